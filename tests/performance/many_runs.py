"""A store of thousands of runs, for benchmarks: the tables are MLflow's own, filled in bulk."""

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import numpy as np

from workbench.settings import Settings
from workbench.tracking import open_store, schema

RECIPES = ("zero-shot", "linear-probe", "lora", "tip-adapter", "gda", "knn", "coop", "majority-class")
DATASETS = {"chula-rbc12": "medical", "mri-planes": "medical", "flowers102": "botany", "leaf-morphology": "botany",
            "grocery-store": "robotics", "tabletop": "robotics"}  # fmt: skip


def write_many_runs(
    settings: Settings, count: int = 5000, *, metrics: int = 40, params: int = 20, tags: int = 26
) -> None:
    """Fill the store of `settings` with finished runs of one suite.

    Args:
        settings: Its `runs` folder gets the store; it should be empty.
        count: Number of runs.
        metrics: Metrics of each run, intervals included.
        params: Params of each run.
        tags: Tags of each run.
    """
    store = open_store(settings)
    experiment = store.experiment("many")
    rng = np.random.default_rng(0)
    folder = Path(store.artifacts or settings.runs).as_uri()
    runs, all_metrics, all_params, all_tags = [], [], [], []
    names = [f"filler_{i}" for i in range(metrics - 6)]
    for i in range(count):
        run_id = uuid.UUID(int=int(rng.integers(2**62)) << 64 | i).hex
        dataset = list(DATASETS)[i % len(DATASETS)]
        recipe = RECIPES[i // 6 % len(RECIPES)]
        shots, seed = (1, 2, 4, 8, 16)[i // 48 % 5], i // 240
        begun = 1_700_000_000_000 + i * 1000
        place = f"{folder}/{run_id}"
        runs.append(
            (run_id, f"run {i}", "LOCAL", "u", "FINISHED", begun, begun + 900, "active", place, experiment)
        )  # fmt: skip
        accuracy = float(np.clip(0.3 + 0.1 * np.log2(shots) + 0.02 * rng.normal(), 0, 1))
        values = {"accuracy": accuracy, "accuracy_ci_low": accuracy - 0.02, "accuracy_ci_high": accuracy + 0.02,
                  "train_seconds": float(rng.uniform(0.1, 60)), "extract_seconds": 9.0,
                  "trainable_parameters": float(rng.integers(1e6)), **dict.fromkeys(names, 0.5)}  # fmt: skip
        all_metrics += [(run_id, key, value, begun, 0, 0) for key, value in values.items()]
        own = {"model": "offline-lite", "dataset": dataset, "field": DATASETS[dataset], "task": "classification",
               "recipe": recipe, "shots": str(shots), "seed": str(seed)}  # fmt: skip
        own |= {f"recipe.setting_{k}": str(k) for k in range(params - len(own))}
        all_params += [(key, value, run_id) for key, value in own.items()]
        marks = {
            schema.RUN_KEY: run_id * 2,
            schema.SUITE: "many",
            schema.LABEL: recipe,
            schema.PRIMARY_METRIC: "accuracy",
        }
        marks |= {f"package.{k}": "1.0" for k in range(tags - len(marks))}
        all_tags += [(key, value, run_id) for key, value in marks.items()]
    assert store.sqlite_file is not None
    with closing(sqlite3.connect(store.sqlite_file)) as connection, connection:
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, "
            "artifact_uri, experiment_id) VALUES (?,?,?,?,?,?,?,?,?,?)", runs,
        )  # fmt: skip
        for table in ("metrics", "latest_metrics"):
            connection.executemany(
                f"INSERT INTO {table} (run_uuid, key, value, timestamp, step, is_nan) VALUES (?,?,?,?,?,?)",
                all_metrics,
            )  # fmt: skip
        connection.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?,?,?)", all_params)
        connection.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?,?,?)", all_tags)
