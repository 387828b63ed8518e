"""Every page of runs on stores of no run to thousands: 18 recipes, four long names of models, 89 classes.

`nox -s stores` takes the large ones, too.
"""

import os
from types import SimpleNamespace

import pytest

from dashboards.views.groups import pair_columns
from tests.dashboards.browser.server import dashboard
from tests.dashboards.few_shot import write_few_shot
from workbench.reports.suite.verdict import verdicts
from workbench.reports.suite.verdict_words import in_words
from workbench.runs.comparisons import compare_suite
from workbench.settings import Settings
from workbench.tracking import open_store

pytestmark = pytest.mark.slow
MODELS = (
    "hf-hub:imageomics/bioclip-2", "hf-hub:timm/ViT-SO400M-16-SigLIP2-512", "ViT-H-14-378-quickgelu/dfn5b",
    "hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
)  # fmt: skip
SIZES = {
    0: None,
    1: {},
    12: {"shots": (1, 4)},
    187: {"shots": (1, 2, 4, 16)},
    432: {"shots": (1, 2, 4, 16), "datasets": ("ferns", "mosses")},
    5000: {"shots": (1, 2, 4, 16), "models": MODELS,
           "datasets": ("ferns", "mosses", "orchids", "lichens", "grasses", "a dataset of a very long name, 2026")},
}  # fmt: skip
LARGE = pytest.mark.skipif("WORKBENCH_LARGE_STORES" not in os.environ, reason="WORKBENCH_LARGE_STORES is not set")
FEW = {1280: ("", "compare", "run"), 400: ("", "shots")}
PAGES = {1280: ("", "compare", "transfer", "shots", "run", "errors", "cost"), 400: ("", "compare", "shots", "cost")}
_FAULTS = """() => {
    const faults = [], wide = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth > wide) faults.push(`wider than the window: ${wide}`)
    const luminance = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(c => c / 255)
            .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const app = document.querySelector('[data-testid=stApp]')
    const ground = luminance(getComputedStyle(app).backgroundColor)
    for (const chart of document.querySelectorAll('[data-testid=stVegaLiteChart]')) {
        const { x, right, height } = chart.getBoundingClientRect(), name = chart.getAttribute('aria-label') || 'chart'
        if (x < 0 || right > wide + 1) faults.push(`${name}: beyond the window`)
        if (height < 100) faults.push(`${name}: ${height} px high`)
        for (const axis of chart.querySelectorAll('.role-axis-label, .role-legend-label')) {
            const shown = [...axis.querySelectorAll('text')]
                .filter(t => t.textContent && t.getAttribute('opacity') !== '0')
            const boxes = shown.map(t => [t.getBoundingClientRect(), t.getScreenCTM()])
            boxes.forEach(([a, at], i) => boxes.slice(i + 1).forEach(([b, bt], j) => {
                // Boxes about slanted labels overlap where the labels, one line above the other, do not.
                const lines = ((bt.e - at.e) * at.b - (bt.f - at.f) * at.a) / Math.hypot(at.a, at.b)
                const over = Math.min(a.right, b.right) - Math.max(a.x, b.x) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.y, b.y) > 4 && !(at.b && Math.abs(lines) > 9)
                const [one, other] = [shown[i].textContent, shown[i + 1 + j].textContent]
                if (over) faults.push(`${name}: ${one} lies over ${other}`)
            }))
            // The names of lines end at one edge, and stand as far from each other as the lines do.
            const middles = boxes.map(([box]) => box.y + box.height / 2)
            const steps = middles.slice(1).map((y, i) => Math.abs(y - middles[i]))
            const names = shown.length > 2 && shown.every(text => /[a-z]{3}/.test(text.textContent))
                && boxes.every(([box]) => Math.abs(box.right - boxes[0][0].right) < 2)
            if (names && Math.max(...steps) - Math.min(...steps) > 2) faults.push(`${name}: names beside their lines`)
            for (const text of shown) {
                const ink = luminance(getComputedStyle(text).fill)
                const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05)
                if (contrast < 4.5) faults.push(`${name}: ${text.textContent} has contrast ${contrast.toFixed(1)}`)
            }
        }
    }
    return [...new Set(faults)]
}"""
"""What a reader would stumble over: charts cut off or flat, labels over one another, labels that can't be read."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(size, marks=LARGE if size > 187 else (), id=f"{size} runs") for size in SIZES],
)
def stored(request, chromium, tmp_path_factory):
    """A store of so many runs, and the address of a dashboard on it."""
    root = tmp_path_factory.mktemp(f"store-{request.param}")
    settings = Settings(cache=root / "cache", runs=root / "runs")
    settings.cache.mkdir()
    choices = SIZES[request.param]
    if choices is not None:
        one = {"models": MODELS[:1], **choices, "classes": 89, "items": 100, "metrics": ("accuracy",)}
        write_few_shot(settings, count=request.param, **one)
    with dashboard(settings) as address:
        yield SimpleNamespace(count=request.param, settings=settings, address=address)


@pytest.mark.parametrize("width", PAGES)
def test_every_page_can_be_read(stored, open_tab, width):
    tab = open_tab(stored.address, width=width)
    for page in (PAGES if stored.count > 12 else FEW)[width]:
        tab.open(page)
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            tab.settle()
            assert tab.page.evaluate(_FAULTS) == [], (page, scheme)
            assert tab.violations() == [], (page, scheme)


def test_the_first_screen_has_the_verdict_of_the_command_line_and_the_values_of_mlflow(stored, open_tab):
    if not stored.count:
        assert "No runs in" in open_tab(stored.address).open().text()
        return
    store = open_store(stored.settings)
    comparison = compare_suite(store, "few-shot")
    found = {each.dataset: " ".join(in_words(each)) for each in verdicts(comparison)}
    tab = open_tab(stored.address).open("?dataset=ferns")
    if stored.count == 1:
        assert found == {}
        assert "nothing but the majority class was run" in tab.text()
        return
    assert found["ferns"] in tab.text()
    head, best, *_ = tab.cells(1)
    row = dict(zip(head, best, strict=True))
    where = f"params.dataset = 'ferns' AND params.recipe = '{row['recipe']}' AND params.shots = '{row['shots']}'"
    runs = store.client.search_runs([store.experiment("few-shot")], where)
    values = [run.data.metrics["accuracy"] for run in runs if run.data.params["model"] == row["model"]]
    assert len(values) == int(row["seeds"])
    assert float(row["accuracy"]) == pytest.approx(sum(values) / len(values))
    pairs = [pair for pair in comparison.pairs if pair.first.run.dataset == "ferns"]
    tab.open("compare?dataset=ferns")
    head, *rows = tab.cells()
    assert rows
    names = pair_columns(pairs)
    for number, (cells, pair) in enumerate(zip(rows, pairs, strict=False)):
        row = dict(zip(head, cells, strict=True))
        assert {name: row[name] for name in names} == {name: values[number] for name, values in names.items()}
        assert float(row["p (Holm)"]) == pytest.approx(pair.p_corrected)
