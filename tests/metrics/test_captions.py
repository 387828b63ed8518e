import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from workbench.errors import DataError
from workbench.metrics.captions import caption_metrics
from workbench.metrics.captions_cider import cider_d, cider_matrix, document_frequency
from workbench.metrics.captions_overlap import BleuCounts, rouge_l
from workbench.metrics.captions_tokens import tokens

WORDS = ["a", "the", "leaf", "cup", "red", "green", "on", "table", "with", "two", "lobes", "narrow", "broad", "dark"]


def sentences(n, seed, low=1, high=12):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(low, high))) for _ in range(n)]


def captioned(n=30, seed=0):
    rng = np.random.default_rng(seed)
    pool = sentences(4 * n, seed + 1)
    references = [[pool[4 * i + j] for j in range(rng.integers(1, 5))] for i in range(n)]
    # Near copies: candidates share long phrases with their references.
    candidates = [" ".join([*own[0].split()[:6], *rng.choice(WORDS, 2)]) for own in references]
    return candidates, references


def naive_cider(candidates, references):
    """Dense tf-idf vectors over the whole vocabulary, one order after the other."""

    def grams(text, n):
        words = text.split()
        return [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]

    scores = np.zeros(len(candidates))
    for n in (1, 2, 3, 4):
        texts = [*candidates, *(text for own in references for text in own)]
        vocabulary = sorted({gram for text in texts for gram in grams(text, n)})
        holds = [[any(gram in grams(text, n) for text in own) for gram in vocabulary] for own in references]
        frequency = np.array(holds).sum(axis=0) if vocabulary else np.zeros(0)
        idf = np.log(len(candidates)) - np.log(np.maximum(frequency, 1))

        def vector(text, n=n, vocabulary=vocabulary, idf=idf):
            return np.array([grams(text, n).count(gram) for gram in vocabulary]) * idf

        for i, candidate in enumerate(candidates):
            for reference in references[i]:
                a, b = vector(candidate), vector(reference)
                if not a.any() or not b.any():
                    continue
                cosine = np.minimum(a, b) @ b / np.linalg.norm(a) / np.linalg.norm(b)
                gap = len(candidate.split()) - len(reference.split())
                scores[i] += 10 / 4 * cosine * np.exp(-(gap**2) / 72) / len(references[i])
    return scores


def test_cider_equals_dense_vectors():
    candidates, references = captioned()
    found = cider_d(candidates, references)
    np.testing.assert_allclose(found, naive_cider(candidates, references), atol=1e-9)
    assert found.max() > 1


def test_cider_by_hand():
    # Equal captions of two words: unigrams and bigrams match, there are no longer phrases.
    assert cider_d(["red leaf", "cup"], [["red leaf"], ["two cups"]]).tolist() == pytest.approx([5.0, 0.0])
    # Five words that are all right: every order matches.
    assert cider_d(["a b c d e", "x"], [["a b c d e"], ["y"]])[0] == pytest.approx(10)
    # A word that every image's references have weighs nothing.
    assert cider_d(["the", "the"], [["the cup"], ["the leaf"]]).tolist() == [0, 0]
    # Saying a word twice is clipped at once: (1 * 1) / (2 * 1) over unigrams, a word too long.
    assert cider_d(["cup cup", "x"], [["cup"], ["y"]])[0] == pytest.approx(10 / 4 * 0.5 * np.exp(-1 / 72))


def test_the_matrix_is_cider_without_clipping_and_length():
    texts = sentences(12, 5)
    sets = [texts[i : i + 2] for i in range(0, 12, 2)]
    found = cider_matrix(texts, document_frequency(sets), 6)
    np.testing.assert_allclose(found, found.T)
    for i, j in ((0, 3), (2, 2), (5, 9)):
        total = 0.0
        for n in (1, 2, 3, 4):
            grams = [[tuple(text.split()[k : k + n]) for k in range(len(text.split()) - n + 1)] for text in texts]
            vocabulary = sorted({gram for own in grams for gram in own})
            held = [sum(any(g in grams[2 * s + k] for k in (0, 1)) for s in range(6)) for g in vocabulary]
            a, b = (
                np.array([grams[t].count(g) * np.log(6 / h) for g, h in zip(vocabulary, held, strict=True)])
                for t in (i, j)
            )
            total += a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) if a.any() and b.any() else 0.0
        assert found[i, j] == pytest.approx(total / 4, abs=1e-12)


def test_cider_needs_two_images_and_bears_empty_captions():
    assert np.isnan(cider_d(["a cup"], [["a cup"]])).all()
    assert cider_d(["", "cup"], [["a leaf"], ["cup"]])[0] == 0


@pytest.mark.parametrize("order", [1, 4])
def test_bleu_equals_sacrebleu_on_the_sample_and_on_a_resample(order):
    candidates, references = captioned()
    counts = BleuCounts(candidates, references)
    drawn = np.random.default_rng(3).integers(0, 30, 30)
    weights = np.stack([np.ones(30), np.bincount(drawn, minlength=30)]).astype(np.float32)
    found = counts(weights, order)
    bleu = BLEU(tokenize="none", force=True, smooth_method="none", max_ngram_order=order)
    for value, rows in zip(found, (range(30), drawn), strict=True):
        width = max(len(own) for own in references)
        streams = [[references[i][j] if j < len(references[i]) else None for i in rows] for j in range(width)]
        theirs = bleu.corpus_score([candidates[i] for i in rows], streams)
        assert value == pytest.approx(theirs.score / 100, abs=1e-9)
        assert 0 < value < 1


def test_bleu_of_nothing_is_nothing():
    assert BleuCounts(["", ""], [["a cup"], ["a leaf"]])(np.ones((1, 2), np.float32)).tolist() == [0]


def naive_precision_and_recall(candidate, reference):
    a, b = candidate.split(), reference.split()
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    return table[-1, -1] / len(a), table[-1, -1] / len(b)


def test_rouge_l_equals_a_table_of_subsequences():
    candidates, references = captioned()
    f1, coco = [], []
    for candidate, own in zip(candidates, references, strict=True):
        parts = np.array([naive_precision_and_recall(candidate, reference) for reference in own])
        f1.append(max(2 * p * r / (p + r) if p else 0.0 for p, r in parts))
        precision, recall = parts.max(axis=0)
        coco.append(2.44 * precision * recall / (recall + 1.44 * precision))
    found = rouge_l(candidates, references)
    np.testing.assert_allclose(found.f1, f1, atol=1e-12)
    np.testing.assert_allclose(found.coco, coco, atol=1e-12)


def test_rouge_l_of_coco_by_hand():
    # One reference has all of the caption's words, another has no word but those: its server takes the best of both.
    found = rouge_l(["red leaf", "red leaf", ""], [["a red leaf there", "red"], ["cup"], ["cup"]])
    assert found.coco.tolist() == pytest.approx([2.44 * 1 * 1 / (1 + 1.44), 0, 0])
    assert found.f1.tolist() == pytest.approx([2 / 3, 0, 0])
    # Of one reference recall weighs more: half the words of the reference, all of the caption's.
    assert rouge_l(["red"], [["red leaf"]]).coco[0] == pytest.approx(2.44 * 0.5 / (0.5 + 1.44))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A cat's ear, (grey).", ["a", "cat's", "ear", "grey"]),
        ("well-lit  LEAF\n", ["well", "lit", "leaf"]),
        ("赤い葉 3枚 ABC。", ["赤", "い", "葉", "3", "枚", "abc"]),
        ("「Ａ」カップ", ["a", "カ", "ッ", "プ"]),
        ("écorce grüne", ["écorce", "grüne"]),
        ("... ?", []),
    ],
)
def test_words_of_several_scripts(text, words):
    assert tokens(text) == words


def test_japanese_captions_are_scored():
    references = [["赤い丸い葉"], ["青い箱"]]
    right, wrong = (caption_metrics(c, references) for c in (["赤い丸い葉", "青い箱"], ["青い箱", "赤い丸い葉"]))
    assert right["rouge_l"].value == 1
    assert wrong["rouge_l"].value < 0.5
    assert right["cider"].value > 5


def test_means_with_intervals_and_extra_scores():
    candidates, references = captioned()
    groups = np.repeat(np.arange(15), 2)
    found = caption_metrics(candidates, references, groups, extra={"clip_score": np.linspace(0, 1, 30)})
    assert found["cider"].value == pytest.approx(naive_cider(candidates, references).mean())
    assert found["clip_score"].value == pytest.approx(0.5)
    assert set(found) == {"cider", "bleu_1", "bleu_4", "rouge_l", "rouge_l_coco", "clip_score"}
    for estimate in found.values():
        assert estimate.low < estimate.value < estimate.high
        assert (estimate.n, estimate.n_groups) == (30, 15)
        assert not estimate.reliable


def test_intervals_of_bleu_are_the_resampled_corpora():
    candidates, references = captioned()
    found = caption_metrics(candidates, references, replicates=2000)["bleu_1"]
    counts = BleuCounts(candidates, references)
    rng = np.random.default_rng(7)
    drawn = np.stack([np.bincount(rng.integers(0, 30, 30), minlength=30) for _ in range(2000)]).astype(np.float32)
    low, high = np.quantile(counts(drawn, 1), [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))


@pytest.mark.parametrize(
    ("candidates", "references", "said"),
    [
        (["a"], [["a"], ["b"]], "1 captions for 2"),
        (["a", "b"], [["a"], []], "item 1 has no reference"),
        (["a", "b"], [["a"], [" "]], "item 1 has no reference"),
    ],
)
def test_what_cannot_be_scored_is_refused(candidates, references, said):
    with pytest.raises(DataError, match=said):
        caption_metrics(candidates, references)


def test_an_empty_set_is_refused():
    with pytest.raises(Exception, match="test item"):
        caption_metrics([], [])


def test_nan_among_extra_scores_is_refused():
    with pytest.raises(DataError, match="clip_score"):
        caption_metrics(["a", "b"], [["a"], ["b"]], extra={"clip_score": np.array([1, np.nan])})


def test_one_image_alone_has_no_cider():
    found = caption_metrics(["red leaf"], [["a red leaf"]])
    assert "cider" not in found
    assert found["bleu_1"].value == pytest.approx(np.exp(-0.5))
    assert found["rouge_l"].value == pytest.approx(0.8)
