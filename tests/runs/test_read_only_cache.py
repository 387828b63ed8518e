"""A cache that one user filled serves others, who may only read it."""

import ctypes
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="only root on Linux can give files to others"
)
NOBODY = 65534
_DROP, _FROM_OVERRIDE_TO_OWNER = 24, (1, 2, 3)


def without_privileges():
    """Let permissions hold for root, too: nobody else may be able to read this interpreter."""
    libc = ctypes.CDLL(None)
    for capability in _FROM_OVERRIDE_TO_OWNER:
        assert libc.prctl(_DROP, capability, 0, 0, 0) == 0


def run(model, data, cache, runs, *, before=None):
    command = [
        sys.executable, "-c", "from workbench.cli import main; main()", "run", "--name", "s", "--model", model,
        "--dataset", str(data), "--recipe", "zero-shot", "--recipe", "nearest-class-mean", "--shots", "2",
        "--seed", "0", "--device", "cpu", "--precision", "fp32",
    ]  # fmt: skip
    environment = {
        **os.environ, "WORKBENCH_CACHE": str(cache), "WORKBENCH_RUNS": str(runs),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "200",
    }  # fmt: skip
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, umask=0o022, cwd=runs.parent,
        preexec_fn=before,
    )  # fmt: skip


@pytest.mark.slow
def test_a_warm_cache_serves_who_may_only_read_it(tmp_path, tiny_model, make_colours):
    data, cache = make_colours(), tmp_path / "cache"
    first = run(tiny_model, data, cache, tmp_path / "runs")
    assert first.returncode == 0, first.stderr
    for path in (cache, *cache.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        assert path.stat().st_mode & 0o044 == 0o044, path
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    second = run(tiny_model, data, cache, tmp_path / "others", before=without_privileges)
    assert second.returncode == 0, second.stderr
    assert "nearest-class-mean" in second.stdout
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before
    # What is not in the cache cannot be kept there: said before it is computed.
    shutil.copy(data / "test" / "red" / "0.png", data / "test" / "red" / "new.png")
    third = run(tiny_model, data, cache, tmp_path / "others", before=without_privileges)
    assert third.returncode == 2
    assert "WORKBENCH_CACHE" in third.stderr
    assert "Traceback" not in third.stderr
