"""What it is worth to choose hyper-parameters by cross-validation where there is no validation split. Asserts nothing:

    WORKBENCH_DATA=... python tests/performance/bench_validation.py [RECIPES [SUBSETS [IMAGES]]]

RECIPES is a list such as `linear-probe,gda`. From the training images of grocery-store (its coarse classes) and of
chula-rbc12, SUBSETS times IMAGES are drawn at random (20 and 300 by default). Each subset is a task without a
validation split, for which the workbench makes one. Each is fitted once for every way of choosing, and tested on the
whole test split. `refit` fits the images of the made split, too, once these have chosen: it tells how much of the
difference is the better choice, and how much the larger training set.

Intervals are Student's, over paired differences of the subsets. They hold for subsets of this size of these training
images, which overlap: other images would vary more.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from workbench.datasets import Dataset, open_card, resolve_card
from workbench.datasets.splits import make_missing_splits
from workbench.features import FeatureStore
from workbench.models import open_model
from workbench.plugin import AnyArray, ClassificationTask
from workbench.recipes import recipes
from workbench.settings import Settings
from workbench.tasks import TaskData
from workbench.tasks.classification.task import Classification

CV, ACCURACY = {"validation": "cv"}, {"selection": "accuracy"}
SPLIT = {"validation": "split"}
WAYS: dict[str, tuple[dict[str, str], bool]] = {
    "cv, NLL": (CV, False),
    "cv, accuracy": ({**CV, **ACCURACY}, False),
    "split, NLL": (SPLIT, False),
    "split, accuracy": ({**SPLIT, **ACCURACY}, False),
    "split, NLL, refit": (SPLIT, True),
    "split, accuracy, refit": ({**SPLIT, **ACCURACY}, True),
}
"""The settings, and whether the made split is fitted afterwards; the first way is compared with all others."""


def datasets(settings: Settings) -> dict[str, Dataset]:
    """The two datasets."""
    found = {}
    for name, label in (("grocery-store", "coarse_label"), ("chula-rbc12", "label")):
        card, base = resolve_card(name)
        changed = card.model_copy(update={"columns": card.columns.model_copy(update={"label": label}), "classes": {}})
        found[f"{name}, {label}"] = open_card(changed, base, settings)
    return found


def subset(data: TaskData, images: int, seed: int) -> ClassificationTask:
    """A random part of training, divided as the workbench divides what has no validation split."""
    dataset, task = data.dataset, Classification(data)
    rows = np.sort(np.random.default_rng(seed).choice(dataset.rows("train"), images, replace=False))
    both = np.concatenate([rows, dataset.rows("test")])
    roles = ["train"] * images + ["test"] * (len(both) - images)
    labels = [(dataset.class_keys[c],) for c in dataset.labels(both)]
    groups = dataset.group_names(both)
    splits = dataset.card.splits.model_copy(update={"seed": seed})
    ids = dataset.ids(both)
    made = np.array(make_missing_splits(roles, labels, groups, dataset.hashes(both), ids, splits)[0][:images])
    return ClassificationTask(
        dataset=dataset.name,
        class_names=dataset.class_names,
        prompts=dataset.prompts,
        train=task.labelled(rows[made == "train"]),
        val=task.labelled(rows[made == "val"]),
        model=data.model,
        multi_label=False,
        shots=None,
        seed=seed,
        device="cpu",
        val_made=True,
    )


def accuracies(name: str, way: str, tasks: Sequence[ClassificationTask], data: TaskData) -> tuple[AnyArray, list[str]]:
    """Test accuracy of each task, and what was chosen."""
    settings, refit = WAYS[way]
    factory = recipes.get(name)
    predictors = factory(factory.Config(**settings)).fit_many([replace(task, refit=refit) for task in tasks])
    test = Classification(data).labelled(data.dataset.rows("test"))
    hits = [(own.scores(test.images).argmax(axis=1) == test.labels).mean() for own in predictors]
    return 100 * np.array(hits), [str(own.report.chosen) for own in predictors]


def main(names: str = "linear-probe,gda", subsets: str = "20", images: str = "300") -> None:
    """Print one table for each dataset and recipe."""
    settings = Settings.load()
    encoder = open_model("offline-lite", settings)
    for title, dataset in datasets(settings).items():
        data = TaskData(dataset, encoder, FeatureStore(settings.cache), "cpu")
        data.prepare(np.concatenate([dataset.rows("train"), dataset.rows("test")]))
        tasks = [subset(data, int(images), seed) for seed in range(int(subsets))]
        val = np.mean([len(task.val) for task in tasks])
        print(f"\n{title}: {images} training images, {val:.0f} of them in the made split, {subsets} subsets")
        for name in names.split(","):
            found = {way: accuracies(name, way, tasks, data) for way in WAYS}
            (first, (reference, _)), *_ = found.items()
            print(f"\n| {name} | mean accuracy | standard deviation | {first} is better by | most often chosen |")
            print("|---|---|---|---|---|")
            for way, (accuracy, chosen) in found.items():
                better = ""
                if way != first:
                    low, high = stats.ttest_rel(reference, accuracy).confidence_interval()
                    better = f"{(reference - accuracy).mean():.2f} ({low:.2f} to {high:.2f})"
                often = max(set(chosen), key=chosen.count)
                print(
                    f"| {way} | {accuracy.mean():.2f} | {accuracy.std(ddof=1):.2f} | {better} | "
                    f"{often}, {chosen.count(often)} times |"
                )


if __name__ == "__main__":
    main(*sys.argv[1:])
