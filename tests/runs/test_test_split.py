"""No recipe can reach the test split, and nothing about it changes what is fitted."""

import types
from functools import partial

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import Dataset, open_dataset
from workbench.datasets.manifest import Manifest
from workbench.datasets.sources import Location, RecordColumns
from workbench.features import FeatureStore
from workbench.models import open_model
from workbench.recipes import RunSpec, recipes
from workbench.settings import Settings
from workbench.tasks import ClassificationRecipe, DatasetTask, TaskData
from workbench.tasks.classification import Classification

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200)}
FEATURE_RECIPES = [
    name
    for name in recipes.names()
    if recipes.provider(name).startswith("clip-workbench ")
    and recipes.get(name).reads == "features"
    and issubclass(recipes.get(name), ClassificationRecipe)
]


def write_images(folder, test_seed):
    """Train and validation images are always the same; test images and their labels go with the seed."""
    for split, count in (("train", 6), ("val", 3), ("test", 8)):
        rng = np.random.default_rng(test_seed if split == "test" else 0)
        names = list(COLOURS) if split != "test" else rng.permutation(list(COLOURS)).tolist()
        for name, rgb in zip(names, COLOURS.values(), strict=True):
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.clip(np.array(rgb) + rng.normal(0, 40, (40, 40, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{split}-{i}.png")
    return folder


@pytest.fixture(scope="module")
def two_tasks(tmp_path_factory, tiny_model):
    """Two two_tasks that differ in their test split alone: other images, other labels."""
    made = []
    for seed in (1, 5):
        root = tmp_path_factory.mktemp(f"task{seed}")
        settings = Settings(cache=root / "cache", runs=root / "runs", precision="fp32", device="cpu")
        dataset = open_dataset(str(write_images(root / "colours", seed)), settings)
        task = Classification(TaskData(dataset, open_model(tiny_model, settings), FeatureStore(settings.cache), "cpu"))
        task.prepare(np.arange(len(dataset)))
        made.append(task)
    rows = [task.data.dataset.rows("test") for task in made]
    assert not np.array_equal(*(task.data.dataset.labels(own) for task, own in zip(made, rows, strict=True)))
    return made


def given(task, factory, config):
    found = []
    for shots, seed in ((2, 0), (2, 1), (None, 0)):
        spec = RunSpec("m", "d", "r", "r", factory, config, shots, seed)
        found.append(task.given(spec, task.data.readable(task.rows(spec)), refit=True))
    return found


def fitted(task, name, folder):
    """Every byte that the predictors of the engine's tasks save."""
    factory = recipes.get(name)
    config = factory.Config()
    saved = {}
    for number, predictor in enumerate(factory(config).fit_many(given(task, factory, config))):
        place = folder / str(number)
        place.mkdir(parents=True)
        predictor.save(place)
        saved |= {f"{number}/{path.relative_to(place)}": path.read_bytes() for path in place.rglob("*.*")}
    return saved


@pytest.mark.parametrize("name", FEATURE_RECIPES)
def test_other_test_images_and_labels_change_no_byte_of_what_is_fitted(two_tasks, name, tmp_path):
    first, second = (fitted(task, name, tmp_path / str(i)) for i, task in enumerate(two_tasks))
    assert first
    assert first.keys() == second.keys()
    assert [key for key in first if first[key] != second[key]] == []


def test_the_recipes_that_adapt_are_among_them():
    assert {"zero-shot", "linear-probe", "tip-adapter", "gda"} <= set(FEATURE_RECIPES)


def reachable(start):
    """Every object that attributes, containers, closures and defaults lead to; not through modules or classes."""
    seen, queue = {}, [start]
    while queue:
        found = queue.pop()
        if id(found) in seen or isinstance(found, (types.ModuleType, type)):
            continue
        seen[id(found)] = found
        if isinstance(found, dict):
            queue += [*found.keys(), *found.values()]
        elif isinstance(found, (list, tuple, set, frozenset)):
            queue += list(found)
        elif isinstance(found, partial):
            queue += [found.func, found.args, found.keywords]
        elif isinstance(found, types.MethodType):
            queue += [found.__self__, found.__func__]
        elif isinstance(found, types.FunctionType):
            queue += [cell.cell_contents for cell in found.__closure__ or ()]
            queue += [found.__defaults__, found.__kwdefaults__]
        elif isinstance(found, np.ndarray):
            queue.append(found.base)
        queue += [getattr(found, slot, None) for kind in type(found).__mro__ for slot in getattr(kind, "__slots__", ())]
        queue.append(getattr(found, "__dict__", None))
    return list(seen.values())


def traces_of_test(start, task):
    """Kinds of knowledge about test images that can be reached."""
    dataset, rows = task.data.dataset, task.data.dataset.rows("test")
    hashes = {row.tobytes() for row in dataset.hashes(rows)}
    features = task.data.images(rows).features
    by_width = {each.shape[1]: each for each in (features.pooled, features.projected)}
    places = {dataset.manifest.records[row].location for row in rows}
    kinds = set()
    for found in _with_records(reachable(start)):
        if isinstance(found, (Dataset, Manifest, TaskData, DatasetTask)):
            kinds.add("dataset")
        elif isinstance(found, bytes) and found in hashes:
            kinds.add("hash")
        elif isinstance(found, np.ndarray) and found.dtype == np.uint8 and found.nbytes % 32 == 0:
            if hashes & {row.tobytes() for row in np.ascontiguousarray(found).reshape(-1, 32)}:
                kinds.add("hash")
        elif isinstance(found, np.ndarray) and found.ndim == 2 and found.shape[1] in by_width:
            own = by_width[found.shape[1]]
            if any((np.asarray(found) == row).all(axis=1).any() for row in own):
                kinds.add("features")
        elif isinstance(found, str) and found.startswith("test/"):
            kinds.add("name")
        if isinstance(found, Location) and found in places:
            kinds.add("place")
    return kinds


def _with_records(found):
    """Objects, and what records that are kept as columns hold."""
    for each in found:
        yield each
        if isinstance(each, RecordColumns):
            yield from (part for record in each for part in (record.id, record.location))


@pytest.mark.parametrize("name", ["linear-probe", "lora"])
def test_nothing_that_a_task_holds_leads_to_a_test_image(two_tasks, name):
    opened, factory = two_tasks[0], recipes.get(name)
    for task in given(opened, factory, factory.Config()):
        # What a recipe would do first: look at features, pixels and texts, which fills every cache.
        assert len(task.train.images.features) == len(task.train)
        task.val.images.decode(0)
        assert task.train.images.tiles(2).images.features.pooled.shape[0] > 0
        task.model.encode_texts(["a red thing"])
        assert traces_of_test(task, opened) == set()


def test_the_walk_would_find_a_way_to_them(two_tasks):
    task = two_tasks[0]
    assert {"dataset", "features", "hash", "name", "place"} <= traces_of_test(task, task)
    rows = task.data.dataset.rows("test")
    assert traces_of_test(lambda: rows.sum() + len(task.data.dataset), task) >= {"dataset"}
    assert traces_of_test(partial(len, task.data.images(rows)), task) >= {"features"}
    assert traces_of_test([task.data.store], task) >= {"features"}
