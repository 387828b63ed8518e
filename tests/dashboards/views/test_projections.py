"""Maps keep what is alike together, and colours are of what the dataset and the run say."""

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from dashboards.views.projections import colourings, installed_methods, most_frequent, project
from workbench.arrays import normalise
from workbench.tasks import Example


@pytest.fixture(scope="module")
def clusters():
    """Three clusters of 15 unit vectors, and the cluster of each."""
    rng = np.random.default_rng(0)
    of = np.arange(45) % 3
    centres = rng.normal(size=(3, 20))
    return normalise((centres[of] + 0.15 * rng.normal(size=(45, 20))).astype(np.float32)), of


def test_principal_components_are_those_of_scikit_learn(clusters):
    vectors, _ = clusters
    expected = PCA(2, svd_solver="full").fit_transform(vectors.astype(np.float64))
    np.testing.assert_allclose(np.abs(project(vectors, "PCA")), np.abs(expected), atol=1e-5)


@pytest.mark.parametrize("method", ["t-SNE", pytest.param("UMAP", marks=pytest.mark.slow)])
def test_neighbours_stay_neighbours_at_each_call_alike(clusters, method):
    if method == "UMAP":
        pytest.importorskip("umap", reason="needs the extra `maps`")
    vectors, of = clusters
    points = project(vectors, method)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (of[distances.argmin(axis=1)] == of).mean() > 0.9
    np.testing.assert_array_equal(project(vectors, method), points)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("method", ["UMAP", "t-SNE", "PCA"])
def test_a_few_images_have_a_place_too(clusters, method, count):
    points = project(clusters[0][:count], method)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


def test_without_umap_there_are_the_others(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    monkeypatch.setattr("dashboards.views.projections.find_spec", lambda _: None)
    assert installed_methods() == ["t-SNE", "PCA"]


@dataclass
class Pictures:
    """A dataset of three images of two sites."""

    class_names: tuple = ("oak", "elm")
    card: object = None

    def ids(self, rows):
        return [f"{row}.png" for row in rows]

    def rows(self, split):
        return np.array({"train": [0], "val": [], "test": [1, 2]}[split], dtype=np.int64)

    def domains(self, rows):
        return [["north", "south", None][row] for row in rows]

    def group_names(self, rows):
        return [None for _ in rows]


def test_colours_are_of_class_split_domain_and_error():
    dataset = Pictures(card=SimpleNamespace(in_words=lambda *_: ["oak", "elm", "elm"]))
    examples = [
        Example(0, "1.png", "1.png", "elm", "taken for oak", False, {"predicted class": "oak"}),
        Example(1, "2.png", "2.png", "elm", "right", True, {"predicted class": "elm"}),
    ]
    assert colourings(dataset, np.arange(3), examples) == {
        "class": ["oak", "elm", "elm"],
        "split": ["train", "test", "test"],
        "domain": ["north", "south", "none"],
        "right or wrong": ["not tested", "wrong", "right"],
        "predicted class": ["not tested", "oak", "elm"],
    }, "all have the same group, which colours nothing"


def test_the_most_frequent_come_first_and_equal_ones_by_name():
    assert most_frequent(["b", "c", "a", "c"], 2) == ["c", "a"]
