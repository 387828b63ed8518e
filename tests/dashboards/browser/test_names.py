"""Class names, captions and file names that look like markup are shown as they are, on every page."""

import json

import pytest

from tests.dashboards.browser.server import dashboard
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.settings import Settings

pytestmark = pytest.mark.slow
NAME = "<img src=x onerror=hit()> *b* $a^2$ :red[c] `d` &amp; \\textbf{e}"
LABEL = "probe <img src=x onerror=hit()> *b* $a$ \\textbf{c} [d](javascript:hit())"
CAPTION = "<script>hit()</script> **f** [g](javascript:hit()) $\\frac{1}{2}$ <b>"
CARD = """
name = "said"
task = "retrieval"
[source]
type = "folder"
path = "."
[columns]
caption = "caption"
split = "split"
"""


@pytest.fixture(scope="module")
def store(chromium, tmp_path_factory, tiny_model, write_colours):
    """Runs on classes, files and captions with such names."""
    root = tmp_path_factory.mktemp("names")
    classes = write_colours(root / "classes", train=3, val=2, test=3)
    said = write_colours(root / "said", train=1, val=1, test=4) / "test"
    rows = []
    for split in ("train", "val", "test"):
        (classes / split / "red").rename(classes / split / NAME)
    for path in classes.rglob("*.png"):
        path.rename(path.with_name(f"<b>$x$ *y* {path.name}"))
    for number, path in enumerate(sorted(said.rglob("*.png"))):
        rows.append({"file_name": str(path.relative_to(said)), "caption": f"{CAPTION} {number}", "split": "test"})
    (said / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (said / "card.toml").write_text(CARD, encoding="utf-8")
    settings = Settings(cache=root / "cache", runs=root / "runs", precision="fp32", device="cpu")
    suite = Suite(
        name="<b>s</b> *t*", models=(tiny_model,), datasets=(str(classes), str(said / "card.toml")), figures=False,
        recipes=(
            RecipeEntry(recipe="zero-shot"),
            RecipeEntry(recipe="linear-probe", label=LABEL, shots=(1, 2), datasets=(str(classes),)),
        ),
    )  # fmt: skip
    assert {run.status for run in run_suite(suite, settings)} == {"finished"}
    with dashboard(settings, WORKBENCH_PRECISION="fp32") as address:
        yield address


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("?dataset=classes", f"{LABEL}: "), ("compare?dataset=classes", LABEL), ("data?dataset=classes", NAME),
        ("run?dataset=classes", f"{LABEL} · "), ("shots?dataset=classes", "classes"),
        ("cost?dataset=classes", "Pareto"),
        ("errors?dataset=classes&show=all", NAME[:59]), ("map?dataset=classes&method=PCA", "<b>s</b> *t*"),
        ("errors?dataset=said&show=all&direction=text_to_image", CAPTION),
        ("errors?dataset=said&show=all&layout=list&direction=image_to_text", CAPTION),
    ],
)  # fmt: skip
def test_names_are_text(store, open_tab, path, seen):
    tab = open_tab(store)
    tab.page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1 }")
    tab.open(path)
    main = tab.page.locator("[data-testid=stApp]")
    assert tab.page.evaluate("window.hits") == 0
    assert main.locator("img[src='x'], .katex, a[href^=javascript], b:not([class])").count() == 0
    if seen is not None:
        assert seen in tab.text()
