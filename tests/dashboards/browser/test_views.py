"""Views in a browser's history, on a made-up store: what is chosen is in the address, which the back button undoes."""

import urllib.parse

import pytest

from tests.dashboards.browser.server import dashboard
from tests.dashboards.few_shot import write_few_shot
from workbench.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few_shot(tmp_path_factory):
    """The settings of a store with two datasets, `mosses` the newer."""
    root = tmp_path_factory.mktemp("few-shot")
    settings = Settings(cache=root / "cache", runs=root / "runs")
    settings.cache.mkdir()
    write_few_shot(
        settings, recipes=("gda", "linear-probe", "lora"), datasets=("ferns", "mosses"), shots=(1, 4), seeds=(0, 1)
    )
    return settings


@pytest.fixture(scope="module")
def views(few_shot, chromium):
    with dashboard(few_shot) as found:
        yield found


def query(tab):
    address = urllib.parse.urlparse(tab.page.url)
    return address.path.strip("/"), urllib.parse.parse_qs(address.query)


def test_back_undoes_a_choice_and_pages_keep_the_dataset(views, open_tab):
    tab = open_tab(views).open()
    assert query(tab)[1] == {"dataset": ["mosses"]}
    tab.pick("dataset", "ferns")
    tab.pick("metric", "macro_f1")
    tab.page.get_by_role("link", name="Cost").click()
    tab.settle()
    assert query(tab) == ("cost", {"dataset": ["ferns"], "metric": ["macro_f1"]})
    tab.page.go_back()
    tab.settle()
    assert query(tab) == ("", {"dataset": ["ferns"], "metric": ["macro_f1"]})
    assert tab.page.locator("h1").first.inner_text() == "Overview"
    tab.page.go_back()
    tab.settle()
    assert query(tab) == ("", {"dataset": ["ferns"]})
    assert "macro_f1" not in tab.page.get_by_label("metric", exact=True).first.input_value()
    tab.page.go_back()
    tab.settle()
    assert query(tab)[1] == {"dataset": ["mosses"]}
