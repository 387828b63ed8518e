"""The example of docs/medicine.md: its commands are typed, and its numbers computed once more from the predictions."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.metrics import roc_auc_score

from workbench.cli._group import cli
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs/medicine.md").read_text("utf-8")
(CARD,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
COLOURS = {"benign": (90, 110, 160), "malignant": (160, 80, 90)}


def draw(folder):
    """Noisy patches of two kinds, two images a patient, two sexes and two sites."""
    (folder / "images").mkdir()
    (folder / "new-patients").mkdir()
    rng, lines = np.random.default_rng(0), ["image,diagnosis,patient,sex,site,split"]
    for split, count in (("train", 40), ("val", 60), ("test", 80)):
        for i in range(count):
            patient = i // 2
            name = list(COLOURS)[patient % 3 == 0]
            pixels = np.clip(np.array(COLOURS[name]) + rng.normal(0, 25, 3) + rng.normal(0, 60, (40, 40, 3)), 0, 255)
            picture, file = Image.fromarray(pixels.astype(np.uint8)), f"images/{split}{i}.png"
            picture.save(folder / file)
            if split == "test" and i < 4:
                picture.save(folder / "new-patients" / f"{i}.png")
            lines.append(f"{file},{name},{split}{patient},{'FM'[patient % 2]},site {patient // 2 % 2},{split}")
    (folder / "lesions.csv").write_text("\n".join(lines))
    (folder / "lesions.toml").write_text(CARD)


@pytest.fixture(scope="module")
def typed(tmp_path_factory, tiny_model):
    """All commands of the page, typed in its folder: exit code and output of each, and the settings."""
    folder, found = tmp_path_factory.mktemp("medicine"), []
    draw(folder)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for key, value in (
            ("CACHE", settings.cache),
            ("RUNS", settings.runs),
            ("DEVICE", "cpu"),
            ("PRECISION", "fp32"),
        ):
            patch.setenv(f"WORKBENCH_{key}", str(value))
        run_id = ""
        for line in COMMANDS:
            words = [tiny_model if word.startswith("ViT-") else word for word in shlex.split(line)[1:]]
            words = [run_id if word == "RUN" else word for word in words]
            if words[0] == "run":
                words.append("--json")
            ended = CliRunner().invoke(cli, words)
            found.append((line, ended.exit_code, ended.exception))
            if words[0] == "run":
                runs = json.loads(ended.stdout)
                run_id = next(run["run_id"] for run in runs if run["recipe"] == "linear-probe")
    return folder, found, FinishedRun.open(run_id, settings)


def test_every_command_works(typed):
    folder, found, _ = typed
    assert len(found) == len(COMMANDS) >= 7
    assert {line: error for line, code, error in found if code} == {}
    assert "Suspect labels of lesions" in (folder / "suspects.html").read_text("utf-8")
    assert (folder / "reports/lesions/report.html").is_file()


def test_the_numbers_of_the_table_are_there(typed):
    *_, run = typed
    metrics = run.result.metrics
    table = TEXT.partition("| the question | the number |")[2].partition("\n\n")[0]
    names = re.findall(r"`([a-z_]+)[^`]*`", table)
    assert len(names) > 12
    for name in names:
        assert name == "figures" or any(key.partition("/")[0] == name for key in metrics), name


def test_the_threshold_is_of_validation_and_patients_are_joined(typed):
    *_, run = typed
    metrics, found = run.result.metrics, run.predictions
    margin = found.scores[:, 1] - found.scores[:, 0]
    assert found.class_names[1] == "malignant"
    assert metrics["positive_auroc"] == pytest.approx(roc_auc_score(found.labels == 1, margin))
    # Test's own threshold for 90 % sensitivity would find 90 %; validation's finds what it finds.
    for metric in ("sensitivity_at/sensitivity_0.9", "specificity_at/youden", "group_sensitivity_at/youden"):
        assert metrics[f"{metric}_ci_low"] <= metrics[metric] <= metrics[f"{metric}_ci_high"]
    patients = np.unique(found.groups)
    assert metrics["test_groups"] == len(patients) == 40
    sensitivity, specificity = (metrics[f"{name}_at/youden"] for name in ("sensitivity", "specificity"))
    right, wrong = 0.02 * sensitivity, 0.98 * (1 - specificity)
    assert metrics["ppv_at_prevalence/youden"] == pytest.approx(right / (right + wrong))
