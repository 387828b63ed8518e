"""What `import workbench` shows."""

import subprocess
import sys

import pytest

import workbench


def test_every_name_can_be_completed_and_has_help():
    for name in workbench.__all__:
        assert name in dir(workbench)
        value = getattr(workbench, name)
        assert name == "__version__" or value.__doc__, name


def test_importing_it_loads_nothing_heavy():
    code = "import sys, workbench; print({'torch', 'pandas', 'mlflow', 'datasets', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_lists_are_names_that_run_takes():
    assert "zero-shot" in workbench.list_recipes()
    assert "lora" not in workbench.list_recipes(task="captioning")
    assert "coca" in workbench.list_recipes(task="captioning")
    assert "offline-lite" in workbench.list_models()
    assert "classification" in workbench.list_tasks()
    assert "macro_f1" in workbench.list_metrics()
    assert "quickstart" in workbench.list_suites()
    botany = workbench.list_datasets(field="botany")
    assert botany
    assert set(botany) < set(workbench.list_datasets())
    assert set(workbench.list_datasets(task="retrieval")) < set(workbench.list_datasets())


def test_an_unknown_task_is_said():
    with pytest.raises(workbench.WorkbenchError, match="clasification"):
        workbench.list_recipes(task="clasification")
