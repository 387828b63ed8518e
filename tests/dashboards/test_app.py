"""What the server imports before it shows a page."""

import subprocess
import sys


def test_pages_import_no_library_that_takes_seconds_before_they_need_it():
    code = (
        "import sys, importlib, dashboards.app as app\n"
        "for name in app._PAGES: importlib.import_module(f'dashboards.screens.{name}')\n"
        "print({'torch', 'mlflow', 'sklearn', 'datasets', 'scipy.stats', 'matplotlib', 'umap'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "set()"
