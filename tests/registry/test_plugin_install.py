"""Third-party recipes, really installed by pip, run like built-in ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.registry.conftest import install


def workbench(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", "from workbench.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )


def test_an_installed_recipe_is_listed_runs_and_a_broken_one_stops_nothing(site, tiny_model, make_colours):
    listed = json.loads(workbench(site, "list", "recipes", "--json").stdout)
    providers = {row["name"]: row["provider"] for row in listed}
    assert providers["nearest-prompt"] == "nearest-prompt 0.3.0"
    probed = {row["name"]: row for row in json.loads(workbench(site, "list", "recipes", "--probe", "--json").stdout)}
    assert "DoesNotExist" in probed["broken-recipe"]["problem"]
    assert "problem" not in probed["nearest-prompt"]
    ran = workbench(
        site, "run", "--model", tiny_model, "--dataset", str(make_colours()), "--recipe", "nearest-prompt", "--json"
    )
    assert ran.returncode == 0, ran.stderr
    runs = {run["recipe"]: run for run in json.loads(ran.stdout)}
    assert runs["nearest-prompt"]["status"] == "finished"
    assert 0 <= runs["nearest-prompt"]["metrics"]["accuracy"] <= 1


def test_a_package_written_by_new_installs_and_passes_its_own_test(tmp_path):
    site = tmp_path / "site"
    made = workbench(site, "new", "recipe", "my-probe", "--to", str(tmp_path))
    assert made.returncode == 0, made.stderr
    install(tmp_path / "my-probe", site)
    listed = json.loads(workbench(site, "list", "recipes", "--json").stdout)
    assert "my-probe" in {row["name"] for row in listed}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "my-probe")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
