"""The overview on a store of 5,000 runs with predictions, as a browser sees it. Asserts nothing; needs Chromium:

    python tests/performance/bench_dashboard.py [RUNS]

Cold is the first view after the start, until the table of all runs is there, and then until the verdict is: it compares
all runs of the suite. Warm is the median of three further tabs until the verdict is there. Each is set against a bare
Streamlit page of one table, measured alike, and so are a change of dataset and of a filter.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.dashboards.few_shot import write_few_shot
from workbench.settings import Settings
from workbench.tracking import open_store, read_runs

DATASETS = ("ferns", "mosses", "orchids", "lichens", "grasses", "sedges")
MODELS = ("hf-hub:imageomics/bioclip-2", "ViT-B-16/openai", "ViT-H-14-378-quickgelu/dfn5b", "ViT-L-14/dfn2b")
_ROW = "[data-testid=stDataFrame] table tr:nth-child(2)"
_VERDICT = "h3:has-text('Compared at')"
_IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def server(*command: str, health: str):
    """A process that is ended at the end; waits until it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            time.sleep(0.2)
            try:
                urllib.request.urlopen(health).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{command} ended with {process.returncode}") from None
        yield
    finally:
        process.terminate()
        process.wait()


def view(context, url: str, shown: str = _ROW) -> float:
    """Seconds until a new tab shows something."""
    return views(context, url, shown)[0]


def views(context, url: str, *shown: str) -> list[float]:
    """Seconds until a new tab shows one thing after another."""
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url)
    taken = []
    for each in shown:
        page.wait_for_selector(each, state="attached", timeout=300_000)
        taken.append(time.perf_counter() - began)
    page.close()
    return taken


def bare(browser, folder: Path) -> float:
    """Seconds of a warm view of a page that is one table."""
    script = folder / "bare.py"
    script.write_text("import pandas as pd\nimport streamlit as st\nst.dataframe(pd.DataFrame({'a': range(40)}))\n")
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port),
               "--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with server(*command, health=f"{url}/_stcore/health"):
        context = browser.new_context()
        view(context, url)
        seconds = statistics.median(view(context, url) for _ in range(3))
        context.close()
    print(f"bare page of one table: {seconds:.2f} s")
    return seconds


def change(context, url: str, label: str, option: str) -> float:
    """Seconds until a page has answered a choice: until its script has run again."""
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(f"{_ROW}, {_IDLE}", state="attached", timeout=120_000)
    page.wait_for_selector(_IDLE, timeout=120_000)
    box = page.get_by_label(label, exact=True).first
    box.click()
    box.fill(option)
    began = time.perf_counter()
    page.get_by_role("option", name=option).first.click()
    page.wait_for_url(f"**{option}**")
    page.wait_for_selector(_IDLE, timeout=120_000)
    taken = time.perf_counter() - began
    page.close()
    return taken


def dashboard(browser, name: str, reference: float) -> None:
    """Print cold and warm views of the store that the environment names, and their ratios to `reference` seconds."""
    port = free_port()
    workbench = [sys.executable, "-c", "from workbench.cli import main; main()", "dashboard", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with server(*workbench, health=f"{url}/_stcore/health"):
        context = browser.new_context()  # One browser cache for all views, as a user has.
        cold, judged = views(context, url, _ROW, _VERDICT)
        warm = statistics.median(view(context, url, _VERDICT) for _ in range(3))
        changes = {
            "other dataset": change(context, url, "dataset", "ferns"),
            "filter": change(context, url, "recipe", "gda"),
        }
        context.close()
    times = {"cold": cold, "cold, verdict": judged, "warm": warm, **changes}
    shown = ", ".join(f"{what} {seconds:.2f} s ({seconds / reference:.1f} x)" for what, seconds in times.items())
    print(f"{name}: overview {shown}")


def main(count: int) -> None:
    """Measure a local store, then the same store behind an MLflow server."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(runs=Path(folder) / "runs")
        os.environ["WORKBENCH_RUNS"] = str(settings.runs)
        os.environ["STREAMLIT_SERVER_HEADLESS"] = "true"
        write_few_shot(
            settings, datasets=DATASETS, models=MODELS, shots=(1, 2, 4, 16), classes=89, items=178,
            metrics=("accuracy",), count=count,
        )  # fmt: skip
        store = open_store(settings)
        began = time.perf_counter()
        found = read_runs(store)
        print(f"reading {len(found)} runs from SQLite: {time.perf_counter() - began:.2f} s")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        reference = bare(browser, Path(folder))
        dashboard(browser, "local store", reference)
        port = free_port()
        os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
        mlflow = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store.uri, "--port", str(port),
                  "--host", "127.0.0.1", "--workers", "1"]  # fmt: skip
        with server(*mlflow, health=f"http://127.0.0.1:{port}/health"):
            dashboard(browser, "MLflow server, newest 200 first", reference)
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
