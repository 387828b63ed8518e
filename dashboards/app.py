"""The dashboard's start: one settings object, one list of runs, pages on them."""

import streamlit as st

from dashboards import compare, overview
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.tracking import open_store, read_runs

st.set_page_config(page_title="CLIP workbench", layout="wide")
try:
    settings = Settings.load()
    store = open_store(settings)
    runs = read_runs(store)
except WorkbenchError as error:
    st.error(str(error))
    st.stop()
if not runs:
    st.info(f"No runs in {store.uri} yet. `workbench run quickstart` makes some.")
    st.stop()
pages = [
    st.Page(lambda: overview.show(runs), title="Overview", url_path="overview", default=True),
    st.Page(lambda: compare.show(runs, settings), title="Compare", url_path="compare"),
]
st.navigation(pages).run()
