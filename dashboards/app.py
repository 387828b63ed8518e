"""The dashboard's start: settings, the store's runs, and the pages on them."""

from functools import partial

import streamlit as st

from dashboards.pages import compare, cost, data, errors, overview, search, shots
from dashboards.runs import Snapshot, snapshot, watch
from dashboards.session import Session
from dashboards.text import plain
from workbench.errors import WorkbenchError
from workbench.settings import Settings

_PAGES = {
    "Overview": overview,
    "Compare": compare,
    "Shots": shots,
    "Errors": errors,
    "Search": search,
    "Cost": cost,
    "Data": data,
}


def main() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="CLIP workbench", layout="wide")
    try:
        settings = Settings.load()
        known = snapshot(settings)
    except WorkbenchError as error:
        st.error(plain(error))
        st.stop()
    pages = [
        st.Page(
            partial(_page, title, settings, known), title=title, url_path=title.lower(), default=title == "Overview"
        )
        for title in _PAGES
    ]
    st.navigation(pages).run()


def _page(title: str, settings: Settings, known: Snapshot) -> None:
    session = Session(settings, known)
    if not session.runs:
        st.title(title)
        st.info(f"No runs in {plain(session.known.store.uri)} yet. `workbench run quickstart` makes some.")
        return
    watch(session.known)
    if not session.finished and title not in {"Overview", "Data"}:
        st.title(title)
        st.info("No run is finished yet; the overview shows those that are going or failed.")
        return
    try:
        _PAGES[title].show(session)
    except WorkbenchError as error:
        st.error(plain(error))


main()
