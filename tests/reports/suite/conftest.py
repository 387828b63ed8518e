"""A small comparison with names that want to be markup."""

import numpy as np
import pytest

from workbench.runs.comparisons import compare_run_groups
from workbench.tasks import ClassPredictions
from workbench.tracking import RunResult, schema

NASTY = "<script>alert(1)</script>|*x*"


@pytest.fixture
def comparison():
    """One dataset of a nasty name and one of a plain one; a probe at two numbers of shots, zero-shot and majority."""
    runs, kept = [], {}
    for dataset in (NASTY, "ferns"):
        labels = np.random.default_rng(0).integers(0, 3, 120)
        for recipe, shots, model, seeds, signal in (
            ("probe", "1", "m", 3, 1.0), ("probe", "4", "m", 3, 3.0), ("close", "4", "m", 3, 2.8),
            ("zero-shot", "0", "m", 1, 0.3), ("majority-class", "all", "none", 1, 0.0),
        ):  # fmt: skip
            for seed in range(seeds):
                rng = np.random.default_rng([seed, len(recipe)])
                scores = rng.normal(size=(120, 3)).astype(np.float32)
                scores[np.arange(120), labels] += signal
                run_id = f"r{len(runs)}"
                kept[run_id] = ClassPredictions(
                    [str(i) for i in range(120)], [None] * 120, labels, scores, ("a", "b", "c")
                )  # fmt: skip
                tags = {schema.LABEL: "pro_be & co" if recipe == "probe" else recipe, schema.PRIMARY_METRIC: "accuracy",
                        "dataset.fingerprint": "f00", "dataset.protocol": "own <b>split</b>", "version.torch": "2.9",
                        "model.fingerprint": "ba4"}  # fmt: skip
                runs.append(RunResult(
                    run_id, "s", model, dataset, "botany", "classification", recipe, shots, seed, "finished",
                    {"train_images": 3.0 * int(shots) if shots.isdigit() else 0.0}, {}, tags, 1_700_000_000_000,
                ))  # fmt: skip
    return compare_run_groups(runs, lambda run: kept[run.run_id], suite="my <suite>")
