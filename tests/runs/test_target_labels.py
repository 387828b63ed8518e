"""No recipe can reach labels of the target: other labels of test and of the unlabelled pool change no score."""

import numpy as np
import pytest
from PIL import Image

from tests.runs.test_test_split import reachable
from workbench.datasets import Dataset, open_dataset
from workbench.datasets.manifest import Manifest
from workbench.datasets.sources import Record
from workbench.features import FeatureStore
from workbench.models import open_model
from workbench.recipes import RunSpec, recipes
from workbench.settings import Settings
from workbench.tasks import ClassificationRecipe, DatasetTask, TaskData
from workbench.tasks.classification import Classification

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200)}
CARD = """
name = "shades"
[source]
type = "csv"
path = "table.csv"
[columns]
label = "label"
domain = "site"
split = "part"
[splits]
by = "domain"
target = ["south"]
unlabelled = 0.5
"""
SEES_MORE = [
    name
    for name in recipes.names()
    if recipes.provider(name).startswith("clip-workbench ")
    and issubclass(recipes.get(name), ClassificationRecipe)
    and (recipes.get(name).inference != "inductive" or recipes.get(name).unlabelled)
]
SHORT = {"self-training-lora": {"base_settings": {"epochs": 1, "min_steps": 1}}}
SETTINGS = [
    *(
        (name, SHORT.get(name, {}), shots)
        for name in SEES_MORE
        for shots in ((0, 2) if recipes.get(name).zero_shots else (2,))
    ),
    ("label-propagation", {"pool": "unlabelled"}, 0),
    ("prior-correction", {"pool": "unlabelled"}, 0),
    ("prior-correction", {"pool": "unlabelled", "base": "linear-probe", "method": "bbse"}, 2),
]


def write_shades(folder, labels_of_target):
    """Images of two sites, the same whatever the labels of the second are."""
    rng, lines = np.random.default_rng(0), ["image,label,site,part"]
    names = list(COLOURS)
    folder.mkdir()
    for i in range(42):
        site, true = ("north", "south")[i >= 24], names[i % 3]
        label = true if site == "north" else names[(i % 3 + labels_of_target * (1 + i // 3)) % 3]
        pixels = np.clip(np.array(COLOURS[true]) + rng.normal(0, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{label},{site},{'val' if i % 4 == 3 else 'train'}")
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "card.toml").write_text(CARD, encoding="utf-8")
    return folder / "card.toml"


@pytest.fixture(scope="module")
def two_tasks(tmp_path_factory, tiny_model):
    """Two tasks that differ in the labels of the target domain alone."""
    made = []
    for labels in (0, 1):
        root = tmp_path_factory.mktemp(f"shades{labels}")
        settings = Settings(cache=root / "cache", runs=root / "runs", precision="fp32", device="cpu")
        dataset = open_dataset(str(write_shades(root / "shades", labels)), settings)
        task = Classification(TaskData(dataset, open_model(tiny_model, settings), FeatureStore(settings.cache), "cpu"))
        task.prepare(np.concatenate([dataset.rows("all"), dataset.unlabelled_rows]))
        made.append(task)
    return made


def spec_of(name, settings, shots):
    factory = recipes.get(name)
    config = factory.Config(**settings)
    return RunSpec("m", "d", name, name, factory, config, shots if factory.uses_labels(config) else 0, 0)


def predicted(task, spec):
    rows = task.data.readable(task.rows(spec))
    (predictor,) = task.fit(spec.factory(spec.config), [task.given(spec, rows, refit=True)])
    return task.predict(predictor, rows.test, spec.recipe)


def test_the_labels_differ_and_the_images_do_not(two_tasks):
    first, second = (task.data.dataset for task in two_tasks)
    for rows in ("test", "unlabelled"):
        own, other = (d.unlabelled_rows if rows == "unlabelled" else d.rows("test") for d in (first, second))
        np.testing.assert_array_equal(first.hashes(own), second.hashes(other))
        assert (first.labels(own) != second.labels(other)).mean() > 0.5
    assert {"prior-correction", "label-propagation", "transclip", "em-dirichlet"} <= set(SEES_MORE)


@pytest.mark.parametrize(("name", "settings", "shots"), SETTINGS)
def test_other_labels_of_the_target_change_no_score(two_tasks, name, settings, shots):
    found = [predicted(task, spec_of(name, settings, shots)) for task in two_tasks]
    for scores, others in zip(
        *((own.scores, *own.other_orders) for own in found), strict=True
    ):  # fmt: skip
        np.testing.assert_array_equal(scores, others)
        assert np.isfinite(scores).all()


def labels_within(start, task):
    """Kinds of knowledge about labels of the target that can be reached from what a recipe is given."""
    dataset = task.data.dataset
    truths = [dataset.labels(rows) for rows in (dataset.rows("test"), dataset.unlabelled_rows)]
    kinds = set()
    for found in reachable(start):
        if isinstance(found, (Dataset, Manifest, TaskData, DatasetTask)):
            kinds.add("dataset")
        elif isinstance(found, Record):
            kinds.add("record")
        elif isinstance(found, np.ndarray) and any(np.array_equal(found, truth) for truth in truths):
            kinds.add("labels")
    return kinds


def test_nothing_that_a_predictor_is_asked_about_leads_to_labels(two_tasks):
    task = two_tasks[0]
    dataset = task.data.dataset
    test = task.data.images(dataset.rows("test"))
    assert len(test.features)
    test.decode(0)
    assert labels_within([test, test.subset([1, 0])], task) == set()
    spec = spec_of("label-propagation", {"pool": "unlabelled"}, 0)
    given = task.given(spec, task.data.readable(task.rows(spec)), refit=False)
    assert len(given.unlabelled.features)
    given.unlabelled.decode(0)
    assert labels_within(given, task) == set()


def test_the_walk_would_find_them(two_tasks):
    task = two_tasks[0]
    dataset = task.data.dataset
    rows = dataset.rows("test")
    assert labels_within([dataset.labels(rows)], task) == {"labels"}
    assert "dataset" in labels_within(lambda: dataset, task)
    assert "record" in labels_within({0: dataset.manifest.records[0]}, task)
