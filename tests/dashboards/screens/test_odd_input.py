"""Whatever is typed, or asked for by an address, is answered in words."""

import pytest

from tests.dashboards.screens.driver import PAGES, open_page, texts

ODD = (
    '"', "'", '"a cat\'s toy" - "a', "\\", '"\\', " ", "-", "9" * 400 + ' "a"', '"a" - "a"', "<img src=x>",
    "$x$ :red[a] **b**", "x" * 20_000, "\x00%00&q=1#",
)  # fmt: skip


@pytest.mark.parametrize("words", ODD)
@pytest.mark.parametrize("field", ["q", "like"])
def test_search_takes_whatever_is_typed(runs, field, words):
    app = open_page("search", **{field: words})
    assert not app.exception
    assert app.button or app.warning or "can be searched" in texts(app)


def test_search_says_what_is_wrong(runs):
    assert "has no item" in open_page("search", like="nothing").warning[0].value
    assert "without a partner" in open_page("search", q='2 "red').warning[0].value


@pytest.mark.parametrize("value", ['"', "", "-1e999", "<b>x</b>"])
@pytest.mark.parametrize("page", PAGES)
def test_an_address_that_asks_for_what_there_is_not_is_no_traceback(runs, page, value):
    keys = (
        "dataset", "metric", "suite", "group", "run", "by", "view", "detail", "seed", "against", "right", "model",
        "split", "cost", "recipe", "kind", "page", "true", "predicted", "check", "only_recipe", "only_shots",
    )  # fmt: skip
    app = open_page(page, **dict.fromkeys(keys, value))
    assert not app.exception
