"""The dashboard in headless Chromium, on what a real quickstart run left in MLflow."""

import urllib.parse
from io import BytesIO

import pytest
from PIL import Image

from dashboards.views.groups import pair_columns
from workbench.datasets import open_dataset
from workbench.features import FeatureStore
from workbench.models import open_model
from workbench.reports.suite.verdict import verdicts
from workbench.reports.suite.verdict_words import in_words
from workbench.runs.comparisons import compare_suite
from workbench.search import nearest_images, open_gallery, search_images
from workbench.tracking import open_store

pytestmark = pytest.mark.slow
PAGES = ("", "compare", "transfer", "shots", "run", "errors", "map?method=PCA", "search", "cost", "data")
"""UMAP is compiled at its first use in a process, which takes a while."""
_IS_DARK = """getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor
    .match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) < 200"""
DATASETS = ("leaf-morphology", "mri-planes", "tabletop")


@pytest.fixture(scope="session")
def in_mlflow(quickstart):
    """(dataset, recipe, shots) to metrics, as MLflow's own client reads them."""
    settings, runs = quickstart
    client = open_store(settings).client
    assert {run.status for run in runs} == {"finished"}
    return {
        (run.dataset, run.label, "-" if run.shots == "0" else run.shots): client.get_run(run.run_id).data.metrics
        for run in runs
    }


def rows_of(tab, table=0):
    head, *rows = tab.cells(table)
    return [dict(zip(head, row, strict=True)) for row in rows]


def keep(tab, pictures, name, height=900):
    """A small PNG of what is seen, where screenshots are asked for."""
    if pictures:
        tab.page.set_viewport_size({"width": 1280, "height": height})
        tab.page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
        tab.page.mouse.move(0, 0)  # Tables show buttons below the pointer.
        tab.page.wait_for_timeout(1000)
        picture = Image.open(BytesIO(tab.page.screenshot(scale="css"))).convert("RGB")
        picture.quantize(256).save(pictures / f"{name}.png", optimize=True)


def test_overview_shows_the_verdict_and_the_values_in_mlflow(address, open_tab, quickstart, in_mlflow, pictures):
    found = verdicts(compare_suite(open_store(quickstart[0]), "quickstart"))
    tab = open_tab(address).open()
    for dataset in DATASETS:
        tab.pick("dataset", dataset)
        rows = rows_of(tab, 1)
        expected = {tuple(key): metrics for (name, *key), metrics in in_mlflow.items() if name == dataset}
        assert {(row["recipe"], row["shots"]) for row in rows} == expected.keys()
        for row in rows:
            metrics = expected[row["recipe"], row["shots"]]
            for column, metric in (("accuracy", "accuracy"), ("low", "accuracy_ci_low"), ("high", "accuracy_ci_high")):
                assert float(row[column]) == pytest.approx(metrics[metric]), (dataset, row)
        values = [float(row["accuracy"]) for row in rows]
        assert values == sorted(values, reverse=True)
        (said,) = (each for each in found if each.dataset == dataset)
        assert " ".join(in_words(said)) in tab.text()
        assert [row["recipe"] for row in rows_of(tab)[:-1]] == [place.label for place in said.places]
    keep(tab, pictures, "overview", 1080)


def test_a_filter_is_in_the_address_which_opens_the_same_view(address, open_tab):
    tab = open_tab(address).open()
    tab.pick("recipe", "zero-shot")
    tab.pick("metric", "macro_f1")
    assert [row["recipe"] for row in rows_of(tab, 1)] == ["zero-shot"]
    query = urllib.parse.parse_qs(urllib.parse.urlparse(tab.page.url).query)
    dataset = tab.page.get_by_label("dataset", exact=True).first.input_value()
    assert query == {"dataset": [dataset], "only_recipe": ["zero-shot"], "metric": ["macro_f1"]}
    again = open_tab(address).open(tab.page.url)
    # Streamlit lays out no cells beyond the right edge, which a scroll bar moves.
    assert [line[:10] for line in again.cells()] == [line[:10] for line in tab.cells()]


def test_overview_downloads(address, open_tab, in_mlflow):
    tab = open_tab(address).open()
    for title, begins in (("CSV", "run_id,"), ("Markdown", "### leaf-morphology"), ("LaTeX", r"\begin{table}")):
        with tab.page.expect_download() as download:
            tab.page.get_by_test_id("stDownloadButton").get_by_text(f"Download as {title}").click()
        content = download.value.path().read_text(encoding="utf-8")
        assert content.startswith(begins)
        assert all(dataset in content for dataset in DATASETS)


def test_compare_shows_compare_suite_and_two_recipes_down_to_the_images(
    address, open_tab, quickstart, in_mlflow, pictures
):
    comparison = compare_suite(open_store(quickstart[0]), "quickstart")
    pairs = [pair for pair in comparison.pairs if pair.first.run.dataset == "leaf-morphology"]
    tab = open_tab(address).open()
    tab.page.get_by_role("link", name="Compare").click()
    tab.settle()
    tab.pick("dataset", "leaf-morphology")
    rows = rows_of(tab)
    assert len(rows) == len(pairs) > 3
    names = pair_columns(pairs)
    for number, (row, pair) in enumerate(zip(rows, pairs, strict=True)):
        assert {name: row[name] for name in names} == {name: values[number] for name, values in names.items()}
        assert float(row["difference in accuracy"]) == pytest.approx(pair.difference.value)
        assert float(row["p (Holm)"]) == pytest.approx(pair.p_corrected)
        assert pair.sentence in tab.text()
    tab.pick("recipes", "lora").pick("recipes", "linear-probe · offline-lite · 16")
    (row,) = rows_of(tab)
    at_16 = [pair for pair in pairs if (pair.kind, pair.shots) == ("recipes", "16")]
    (pair,) = (p for p in at_16 if {p.first.group.label, p.other.group.label} == {row["first"], row["other"]})
    assert float(row["p (Holm)"]) == pytest.approx(pair.p_corrected)
    assert f"over the {len(comparison.pairs)} comparisons of suite quickstart" in tab.text()
    sides = [in_mlflow["leaf-morphology", entry.group.label, "16"] for entry in (pair.first, pair.other)]
    table = tab.cells(1)
    assert sum(int(cell) for line in table[1:] for cell in line[1:]) == sides[0]["test_images"]
    tab.pick("view", "classes")
    for side, metrics in zip("AB", sides, strict=True):
        recalls = [float(row[side]) for row in rows_of(tab, 1)]
        assert sum(recalls) / len(recalls) == pytest.approx(metrics["balanced_accuracy"])
    tab.pick("view", "confusion")
    assert tab.page.locator("[data-testid=stVegaLiteChart]").count() == 3
    tab.pick("view", "calibration")
    keep(tab, pictures, "compare", 1400)
    tab.pick("view", "images")
    images = tab.page.locator("[data-testid=stImage] img")
    assert images.count() > 0
    assert images.first.evaluate("image => image.naturalWidth") > 0
    assert "view=images" in tab.page.url
    again = open_tab(address).open(tab.page.url)
    # A grid draws the columns that are in sight, and the last may be at the edge.
    assert [line[:6] for line in again.cells()] == [line[:6] for line in tab.cells()]


def test_shots_and_cost_draw_every_recipe(address, open_tab, in_mlflow):
    tab = open_tab(address).open("cost?dataset=tabletop")
    rows = rows_of(tab)
    for row in rows:
        metrics = in_mlflow["tabletop", row["recipe"], row["shots"]]
        assert float(row["accuracy"]) == pytest.approx(metrics["accuracy"])
        assert float(row["train_seconds"]) == pytest.approx(metrics["train_seconds"])
    assert any(row["Pareto front"] == "true" for row in rows)
    tab.open("shots?dataset=leaf-morphology")
    assert {row["recipe"] for row in rows_of(tab)} >= {"linear-probe", "lora"}
    assert tab.page.locator("[data-testid=stVegaLiteChart]").count() == 1


def test_errors_open_in_full_with_scores_and_neighbours(address, open_tab, in_mlflow):
    tab = open_tab(address).open("errors?dataset=leaf-morphology")
    tab.pick("run", "zero-shot")
    metrics = in_mlflow["leaf-morphology", "zero-shot", "-"]
    total = round(metrics["test_images"])
    wrong = round((1 - metrics["accuracy"]) * total)
    assert f"{wrong} of {total}: images, the most confident mistakes first" in tab.text()
    images = tab.page.locator("[data-testid=stImage] img")
    assert images.count() == min(24, wrong)
    shares = [float(row["right"]) for row in rows_of(tab)]
    assert sum(shares) / len(shares) == pytest.approx(metrics["balanced_accuracy"])
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="SVG").click()
    svg = download.value.path().read_text(encoding="utf-8")
    assert "zero-shot on leaf-morphology: right by true class" in svg
    tab.page.get_by_test_id("stBaseButton-tertiary").first.click()
    tab.settle()
    assert images.count() == 1
    rows = rows_of(tab)
    assert [row["answer"] for row in rows if "chosen" in row["mark"]] == [rows[0]["answer"]]
    tab.page.get_by_text("Nearest training images").first.click()
    tab.settle()
    assert images.count() == 6
    again = open_tab(address).open(tab.page.url)
    assert rows_of(again) == rows


def test_a_line_about_points_of_the_map_shows_their_images(address, open_tab):
    tab = open_tab(address).open("map?dataset=leaf-morphology&method=PCA")
    where = tab.page.get_by_test_id("stPlotlyChart").locator(".nsewdrag").bounding_box()
    points = tab.page.locator("path.point").evaluate_all(
        "paths => paths.map(p => p.getBoundingClientRect()).map(r => [r.x + r.width / 2, r.y + r.height / 2])"
    )
    images = tab.page.locator("[data-testid=stImage] img")
    assert images.count() == 0
    # Round what lies above a diagonal: the box about this line holds all points.
    corners = [(3, 3), (where["width"] - 3, 3), (3, where["height"] - 3), (3, 3)]
    corners = [(where["x"] + x, where["y"] + y) for x, y in corners]
    tab.page.mouse.move(*corners[0])
    tab.page.mouse.down()
    for corner in corners[1:]:
        tab.page.mouse.move(*corner, steps=8)
    tab.page.mouse.up()
    tab.page.get_by_text("encircled").first.wait_for()
    tab.settle()
    inside = int(tab.page.get_by_role("heading", name="encircled").inner_text().split()[0])
    sides = [(x - where["x"]) / where["width"] + (y - where["y"]) / where["height"] for x, y in points]
    near = 0.02
    assert sum(side < 1 - near for side in sides) <= inside <= sum(side < 1 + near for side in sides) < len(points)
    assert images.count() == min(60, inside) > 0


def test_data_shows_card_classes_samples_and_check(address, open_tab):
    tab = open_tab(address).open("data?dataset=tabletop")
    assert "robotics" in tab.text()
    assert tab.page.locator("[data-testid=stImage] img").count() == 12
    tab.page.get_by_text("Decode every image").click()
    tab.settle()
    assert "no unreadable images" in tab.text()


def test_search_by_sentence_then_by_image(address, open_tab, quickstart):
    settings, _ = quickstart
    tabletop = str(settings.cache.parent / "tabletop.toml")
    dataset, encoder = open_dataset(tabletop, settings), open_model("offline-lite", settings)
    gallery = open_gallery(dataset, encoder, FeatureStore(settings.cache), "test")
    tab = open_tab(address).open("search?dataset=tabletop")
    tab.page.get_by_role("textbox", name="sentence").fill("a photo of a banana")
    tab.page.keyboard.press("Enter")
    tab.settle()
    assert "q=a+photo+of+a+banana" in tab.page.url or "q=a%20photo" in tab.page.url
    hits = search_images(gallery, "a photo of a banana", 18)
    images = tab.page.locator("[data-testid=stImage] img")
    assert [image.get_attribute("alt") for image in images.all()] == list(hits.ids)
    assert f"{hits.scores[0]:.3f}" in tab.text()
    tab.page.get_by_role("button", name="like this").first.click()
    tab.settle()
    near = nearest_images(gallery, int(hits.rows[0]), 18)
    assert [image.get_attribute("alt") for image in images.all()] == [hits.ids[0], *near.ids]
    assert "Nearest sentences" in tab.text()
    tab.page.wait_for_url("**like=**")


@pytest.mark.parametrize("typed", ['"', '2 "red fruit', "a cat's \"toy\" '"])
def test_a_quotation_mark_in_search_is_no_traceback(address, open_tab, typed):
    tab = open_tab(address).open("search?dataset=tabletop")
    tab.page.get_by_role("textbox", name="sentence").fill(typed)
    tab.page.keyboard.press("Enter")
    tab.settle()
    assert "Search" in tab.text()
    assert ("without a partner" in tab.text()) == (typed.count('"') % 2 == 1)


@pytest.mark.parametrize("path", ['errors?run="&page=-1e9', "compare?suite='&group=<b>&seed=x", "search?split=%00"])
def test_an_address_that_asks_for_what_there_is_not_opens_the_page(address, open_tab, path):
    tab = open_tab(address).open(path)
    assert path.partition("?")[0].title() in tab.text()
    assert "made" in tab.text()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_fits_a_narrow_screen_and_can_be_read_aloud_light_and_dark(address, open_tab, page):
    tab = open_tab(address, width=400).open(page)
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        tab.page.wait_for_function(_IS_DARK if scheme == "dark" else f"!({_IS_DARK})")
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 400
        for chart in tab.page.locator("[data-testid=stVegaLiteChart], [data-testid=stPlotlyChart], .legend").all():
            box = chart.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 401
        assert tab.violations() == []
