"""Views in a browser's history, on a made-up store: what is chosen is in the address, which the back button undoes."""

import base64
import http.client
import urllib.parse

import pytest

from tests.dashboards.browser.server import dashboard
from tests.dashboards.few_shot import write_few_shot
from workbench.reports.suite.verdict import verdicts
from workbench.runs.comparisons import compare_suite
from workbench.settings import Settings
from workbench.tracking import open_store

pytestmark = pytest.mark.slow
PAGES = ("", "compare", "transfer", "shots", "run", "errors", "map", "search", "cost", "data")


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


def test_a_mark_opens_its_run(views, few_shot, open_tab):
    tab = open_tab(views).open("?dataset=ferns")
    comparison = compare_suite(open_store(few_shot), "few-shot")
    best = next(each for each in verdicts(comparison) if each.dataset == "ferns").best
    tab.page.get_by_test_id("stVegaLiteChart").first.locator(".mark-symbol path").first.click()
    tab.page.wait_for_url("**/run?**")
    tab.settle()
    assert query(tab) == ("run", {"run": [best.group.newest.run_id], "dataset": ["ferns"]})
    assert best.group.newest.run_id in tab.text()


def test_two_ticked_rows_are_compared(views, open_tab):
    tab = open_tab(views).open("?dataset=ferns")
    grid = tab.page.get_by_test_id("stDataFrame").nth(1)
    grid.scroll_into_view_if_needed()
    for row in (1, 2):
        # The grid is drawn on a canvas behind what scrolls; its first column holds the ticks.
        grid.locator(".dvn-scroller").click(position={"x": 18, "y": 35 * row + 18})
        tab.settle()
    tab.page.get_by_role("link", name="Compare these runs").click()
    tab.page.wait_for_url("**/compare?**")
    tab.settle()
    asked = query(tab)[1]
    assert (asked["by"], len(asked["run"])) == (["runs"], 2)
    assert "Holm-corrected over the 1 comparison of this table" in tab.text()


def test_ticks_do_not_stay_when_other_runs_take_the_rows(views, open_tab):
    tab = open_tab(views).open("?dataset=ferns")
    grid = tab.page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    grid.locator(".dvn-scroller").click(position={"x": 18, "y": 53})
    tab.settle()
    opened = tab.page.get_by_role("link", name="Open ")
    assert opened.count() == 1
    tab.pick("dataset", "mosses")
    assert opened.count() == 0


def test_two_recipes_are_chosen_and_compared_by_keyboard_alone(views, open_tab):
    tab = open_tab(views).open()
    press = tab.page.keyboard.press

    def tab_to(found):
        """Press the tabulator until this is true of the element in focus."""
        for _ in range(60):
            press("Tab")
            if tab.page.evaluate(f"(e => {found})(document.activeElement)"):
                return
        raise AssertionError(f"nothing that the tabulator reaches has {found}")

    tab_to("e.getAttribute('aria-label') === 'dataset'")
    tab.page.keyboard.type("ferns")
    press("Enter")
    tab.settle()
    assert query(tab)[1] == {"dataset": ["ferns"]}
    tab_to("e.dataset.testid === 'data-grid-canvas'")
    for key in ("ArrowDown", "Shift+Space", "ArrowDown", "Shift+Space"):
        press(key)
    tab.settle()
    head, *rows = tab.cells()
    ticked = [dict(zip(head, row, strict=True))["recipe"] for row in rows[1:3]]
    shown = [link.inner_text() for link in tab.page.get_by_role("link", name="Open ").all()]
    assert [text.partition(",")[0] for text in shown] == [f"Open {recipe}" for recipe in ticked]
    tab_to("e.textContent === 'Compare these runs'")
    press("Enter")
    tab.page.wait_for_url("**/compare?**")
    tab.settle()
    assert len(query(tab)[1]["run"]) == 2


def test_runs_that_come_in_are_shown_when_asked_for(tmp_path, open_tab):
    settings = Settings(cache=tmp_path / "cache", runs=tmp_path / "runs")
    settings.cache.mkdir()
    write_few_shot(settings, recipes=("gda",), shots=(1,), seeds=(0,))
    with dashboard(settings) as fresh:
        tab = open_tab(fresh).open()
        write_few_shot(settings, suite="later", recipes=("knn",), shots=(1,), seeds=(0,))
        button = tab.page.get_by_role("button", name="The store has changed since: show what is new")
        button.wait_for()
        assert "knn" not in tab.text()
        button.click()
        tab.page.get_by_text("knn").first.wait_for()
        tab.settle()
        assert button.count() == 0
        assert "of suite later" in tab.text()


@pytest.mark.parametrize(("origin", "status"), [("http://elsewhere.example", 403), (None, 101)], ids=["foreign", "own"])
def test_a_page_elsewhere_cannot_read_the_dashboard(views, origin, status):
    host = views.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(), "Origin": origin or views,
    }  # fmt: skip
    connection.request("GET", "/_stcore/stream", headers=headers)
    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_there_at_a_servers_first_request(few_shot, open_tab, page):
    with dashboard(few_shot) as fresh:
        tab = open_tab(fresh).open(page)
        assert tab.text().startswith((page or "overview").title())
        assert "made" in tab.text()
        # The pages stand in the side bar once, and not by Streamlit's own list or its folder.
        assert tab.page.get_by_test_id("stSidebar").get_by_test_id("stPageLink").count() == len(PAGES)
        assert tab.page.get_by_test_id("stSidebarNavLink").count() == 0
