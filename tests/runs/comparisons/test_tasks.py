"""Retrieval, matching, grounding and captioning in a comparison: what two runs' own comparison says, over seeds."""

import re

import numpy as np
import pytest
import sklearn.metrics as sk

from workbench.errors import UnknownMetricError, WorkbenchError
from workbench.metrics import compare_two, holm, metric_named
from workbench.runs.comparisons.measuring import measure_groups
from workbench.tasks import CaptionPredictions, GroundingPredictions, MatchingPredictions, RetrievalPredictions

N = 60


def retrieval(skill, seed=0, order=None):
    """60 images of two texts each; the better the skill the smaller the ranks."""
    rng = np.random.default_rng([seed, int(100 * skill)])
    directions = ["image_to_text"] * N + ["text_to_image"] * 2 * N
    ids = [f"image {i}" for i in range(N)] + [f"text {i}" for i in range(2 * N)]
    groups = [None] * N + [f"image {i // 2}" for i in range(2 * N)]
    ranks = [sorted({1 + int(rng.exponential(1 / skill)) for _ in range(2)}) for _ in range(N)]
    ranks += [[1 + int(rng.exponential(1 / skill))] for _ in range(2 * N)]
    columns = [
        [column[i] for i in (range(3 * N) if order is None else order)] for column in (directions, ids, groups, ranks)
    ]
    return RetrievalPredictions(*columns, {"image_to_text": 2 * N, "text_to_image": N})


def choices(skill, seed=0, *, form="choice", task="grounding", groups=None, names="item"):
    """Items with four candidates, or one statement each."""
    rng = np.random.default_rng([seed, int(100 * skill)])
    width = 1 if form == "statement" else 4
    right = [np.arange(4) == i % 4 if width == 4 else np.array([i % 3 == 0]) for i in range(N)]
    scores = [(rng.normal(size=width) + skill * (own - 0.3)).astype(np.float32) for own in right]
    ids = [f"{names} {i}" for i in range(N)]
    kinds = ["far" if i % 2 else "near" for i in range(N)]
    columns = ids, ids, ids, groups or [None] * N, kinds, scores, right
    return GroundingPredictions(*columns) if task == "grounding" else MatchingPredictions(*columns, form)


def captions(skill, seed=0):
    rng = np.random.default_rng([seed, int(100 * skill)])
    words = ["a", "leaf", "with", "one", "serrate", "margin", "and", "two", "lobes"]
    references = [[" ".join(np.random.default_rng(i).choice(words, 6))] for i in range(N)]
    said = [own[0] if rng.random() < skill else " ".join(rng.choice(words, 6)) for own in references]
    return CaptionPredictions([f"i{i}" for i in range(N)], [None] * N, said, references, rng.random(N), rng.random(N))


STATEMENTS = {"form": "statement", "task": "matching"}
GROUPS = {"groups": [f"g{i % 12}" for i in range(N)]}


@pytest.mark.parametrize(
    ("metric", "task", "make", "options"),
    [
        ("text_to_image_recall_at_1", "retrieval", retrieval, {}),
        ("image_to_text_map", "retrieval", retrieval, {}),
        ("accuracy", "grounding", choices, {}),
        ("accuracy/far", "grounding", choices, {}),
        ("accuracy", "grounding", choices, GROUPS),
        ("accuracy", "matching", choices, STATEMENTS),
        ("auroc", "matching", choices, STATEMENTS),
        ("average_precision", "matching", choices, STATEMENTS | GROUPS),
        ("cider", "captioning", captions, {}),
    ],
)
def test_single_runs_differ_as_their_own_comparison_says(suite, metric, task, make, options):
    plain, tuned = make(0.2, **options), make(0.9, **options)
    for recipe, said in (("zero-shot", plain), ("tuned", tuned)):
        suite.add(said, recipe, dataset="d", task=task, primary=metric, metrics={})
    comparison = suite.comparison()
    (pair,) = comparison.pairs
    assert (pair.first.group.label, pair.other.group.label) == ("tuned", "zero-shot")
    found, alone = pair.difference, compare_two(*measure_groups([[tuned], [plain]], ["tuned", "plain"], metric))
    assert (found.value, found.low, found.high) == pytest.approx((alone.value, alone.low, alone.high), abs=1e-9)
    assert (found.test, found.n, found.n_groups) == (alone.test, alone.n, alone.n_groups)
    assert found.p_value == pytest.approx(alone.p_value, rel=0.5, abs=2e-4)
    for entry, said in ((pair.first, tuned), (pair.other, plain)):
        own, estimate = said.estimates([metric_named(metric)])[metric], entry.estimate
        assert entry.metric == metric
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((own.value, own.low, own.high), abs=1e-6)
    assert comparison.notes == ()


def test_seeds_are_averaged_and_items_aligned_whatever_their_order(suite):
    shuffled = np.random.default_rng(9).permutation(3 * N)
    own = {"dataset": "d", "task": "retrieval", "primary": "text_to_image_recall_at_5"}
    for seed in range(3):
        said = retrieval(1.0, seed, order=shuffled if seed == 1 else None)
        suite.add(said, "head", shots="4", seed=seed, metrics={"train_images": 4}, **own)
    suite.add(retrieval(0.2), "zero-shot", metrics={}, **own)
    (pair,) = suite.comparison().pairs
    suite.predictions["run1"] = retrieval(1.0, 1)
    assert suite.comparison().pairs[0].difference == pair.difference
    # Counted by hand: text i is right where its only right image is among the first five.
    hits = np.array([[own[0] <= 5 for own in retrieval(1.0, seed).ranks[N:]] for seed in range(3)])
    before = np.array([own[0] <= 5 for own in retrieval(0.2).ranks[N:]])
    assert pair.first.by_seed == pytest.approx(hits.mean(axis=1))
    assert pair.first.spread == pytest.approx(hits.mean(axis=1).std(ddof=1))
    assert pair.difference.value == pytest.approx(hits.mean() - before.mean())
    assert pair.difference.n_groups == N
    # Both runs' errors over groups of two texts, and those over seeds.
    sums = (hits.mean(axis=0) - before).reshape(N, 2).mean(axis=1)
    error = np.sqrt(sums.var(ddof=1) / N + hits.mean(axis=1).var(ddof=1) / 3)
    assert (pair.difference.high - pair.difference.low) / (2 * 1.96) == pytest.approx(error, rel=0.15)


def test_auroc_of_statements_over_seeds_is_scikit_learns(suite):
    said = [choices(1.0, seed, form="statement", task="matching") for seed in range(2)]
    for seed, own in enumerate(said):
        suite.add(own, "head", dataset="d", task="matching", shots="all", seed=seed, metrics={})
    (entry,) = suite.comparison("auroc").results
    truth = np.arange(N) % 3 == 0
    naive = [sk.roc_auc_score(truth, np.concatenate(own.scores)) for own in said]
    assert entry.by_seed == pytest.approx(naive)
    assert entry.estimate.value == pytest.approx(np.mean(naive))


@pytest.fixture
def mixed(planted):
    """The two classifications of `planted`, and three datasets of other tasks at all shots."""
    for dataset, task, primary, make in (
        ("captions", "retrieval", "text_to_image_recall_at_1", retrieval),
        ("scenes", "grounding", "accuracy", choices),
        ("words", "captioning", "cider", captions),
    ):
        metrics = {f"chance_{primary}": 0.25} if task == "grounding" else {}
        for recipe, skill in (("zero-shot", 0.1), ("head", 0.9)):
            shots = "0" if recipe == "zero-shot" else "all"
            suite_run = {"dataset": dataset, "task": task, "primary": primary, "metrics": metrics, "shots": shots}
            planted.add(make(skill), recipe, **suite_run)
    return planted


def test_datasets_of_all_tasks_make_one_family_and_are_ranked_each_by_its_metric(mixed):
    comparison = mixed.comparison()
    others = [pair for pair in comparison.pairs if pair.first.run.task != "classification"]
    assert len(others) == 3
    assert [p.p_corrected for p in comparison.pairs] == pytest.approx(
        holm([p.difference.p_value for p in comparison.pairs])
    )
    assert {entry.run.dataset: entry.metric for entry in comparison.results} == {
        "trees": "accuracy", "ferns!": "accuracy", "captions": "text_to_image_recall_at_1", "scenes": "accuracy",
        "words": "cider",
    }  # fmt: skip
    ranking = next(r for r in comparison.rankings if r.shots == "all")
    assert ranking.datasets == ("captions", "scenes", "words")
    assert (ranking.labels, ranking.ranks) == (("head", "zero-shot"), (1.0, 2.0))
    assert {entry.run.dataset: entry.chance for entry in comparison.results if entry.chance} == {"scenes": 0.25}


def test_datasets_without_a_metric_are_left_out_and_said(mixed):
    comparison = mixed.comparison("accuracy")
    assert {entry.run.dataset for entry in comparison.results} == {"trees", "ferns!", "scenes"}
    assert comparison.notes == (
        "Dataset 'captions' is left out: it has no 'accuracy' to compare by.",
        "Dataset 'words' is left out: it has no 'accuracy' to compare by.",
    )
    assert {e.run.dataset for e in mixed.comparison("clip_score").results} == {"words"}


def test_a_metric_that_no_dataset_has_is_refused_with_those_that_it_has(mixed):
    with pytest.raises(UnknownMetricError) as error:
        mixed.comparison("text_to_image_median_rank")
    text = str(error.value)
    assert "dataset 'captions': metric 'text_to_image_median_rank' cannot be compared item by item" in text
    assert "text_to_image_recall_at_1" in text
    assert "dataset 'words'" in text
    # Classifications say it once for all.
    assert len(re.findall("dataset '(?:trees|ferns!)'", text)) == 1


def test_a_cards_metric_that_cannot_be_compared_names_those_that_can(suite):
    said = captions(0.5)
    suite.add(said, "coca", dataset="words", task="captioning", primary="bleu_4", metrics={})
    with pytest.raises(WorkbenchError, match=r"dataset 'words': metric 'bleu_4'.*: cider, rouge_l, rouge_l_coco"):
        suite.comparison()
    suite.write("probe")
    (note,) = suite.comparison().notes
    assert "'words' is left out: metric 'bleu_4'" in note
    assert "cider, rouge_l, rouge_l_coco" in note
    statements = choices(1.0, form="statement", task="matching")
    with pytest.raises(UnknownMetricError, match="accuracy, auroc, average_precision"):
        statements.scores_of("nll")


def test_other_items_are_refused(suite):
    suite.add(choices(0.5), "a", dataset="d", task="grounding", metrics={})
    suite.add(choices(0.5, names="other"), "b", dataset="d", task="grounding", metrics={})
    with pytest.raises(WorkbenchError, match=r"dataset 'd'.*not made on the same test items"):
        suite.comparison()
