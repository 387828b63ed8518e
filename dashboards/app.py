"""The dashboard's start: settings, the store's runs, and the pages on them."""

from functools import partial
from importlib import import_module

import streamlit as st

from dashboards.address import PAGES, kept
from dashboards.runs import Snapshot, snapshot, watch
from dashboards.session import Session
from dashboards.text import escaped
from workbench.errors import WorkbenchError
from workbench.settings import Settings

_PAGES = ("overview", "compare", "transfer", "shots", "run", "errors", "map", "search", "cost", "data")
# Streamlit's theme writes texts of charts, captions and tags in colours of too little contrast: 3.7, 4.4 and 2.6 on
# white, where WCAG asks for 4.5. (No string says so: Streamlit would show it on every page.)
_STYLE = """<style>
[data-testid=stVegaLiteChart] svg :is(.role-axis-label, .role-axis-title, .role-legend-label) text {
    fill: currentColor;
}
[data-testid=stPlotlyChart] .legendtitletext {
    fill: currentColor !important;
}
[data-testid=stCaptionContainer] {
    color: color-mix(in srgb, currentColor 75%, transparent);
    opacity: 1;
}
</style>"""


def main() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="CLIP workbench", layout="wide")
    st.html(_STYLE)
    try:
        settings = Settings.load()
        store_snapshot = snapshot(settings)
    except WorkbenchError as error:
        st.error(escaped(error))
        st.stop()
    pages = {
        name: st.Page(
            partial(_page, name, settings, store_snapshot), title=name.title(), url_path=name, default=name == _PAGES[0]
        )
        for name in _PAGES
    }
    st.session_state[PAGES] = pages
    chosen = st.navigation(list(pages.values()), position="hidden")
    with st.sidebar:
        for page in pages.values():
            # Streamlit's own list of pages forgets what is looked at.
            st.page_link(page, query_params=kept() or None)
    chosen.run()


def _page(name: str, settings: Settings, store_snapshot: Snapshot) -> None:
    session = Session(settings, store_snapshot)
    if not session.runs:
        st.title(name.title())
        st.info(f"No runs in {escaped(session.snapshot.store.name)} yet. `workbench run quickstart` makes some.")
        return
    watch(session.snapshot)
    if not session.finished and name not in {"overview", "run", "data"}:
        st.title(name.title())
        st.info("No run is finished yet; the overview shows those that are going or failed.")
        return
    try:
        # Import only the page that is shown: each needs charts and libraries of its own.
        import_module(f"dashboards.screens.{name}").show(session)
    except WorkbenchError as error:
        st.error(escaped(error))


main()
