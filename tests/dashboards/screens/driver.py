"""Pages run by Streamlit's own test driver."""

from streamlit.testing.v1 import AppTest

import dashboards

APP = f"{next(iter(dashboards.__path__))}/app.py"
PAGES = ("overview", "compare", "transfer", "shots", "run", "errors", "map", "search", "cost", "data")
SCRIPT = """
from dashboards.screens import {page}
from dashboards.runs import snapshot
from dashboards.session import Session
from workbench.settings import Settings
settings = Settings.load()
{page}.show(Session(settings, snapshot(settings)))
"""


def open_page(page, /, **query):
    app = AppTest.from_string(SCRIPT.format(page=page), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def leaderboard(app):
    """The table of all combinations; the verdict's own stands before it."""
    return next(table.value for table in app.dataframe if "newest run" in table.value)


def texts(app):
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(element.value for kind in kinds for element in kind)
