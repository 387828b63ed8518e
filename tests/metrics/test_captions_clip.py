import numpy as np
import pytest

from workbench.errors import DataError
from workbench.metrics.captions_clip import clip_scores, ref_clip_scores


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / np.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)  # noqa: E731
    return draw(20, 8), draw(20, 8), [draw(int(rng.integers(1, 5)), 8) for _ in range(20)]


def test_clip_score_equals_a_loop(features):
    images, texts, _ = features
    naive = [2.5 * max(cosine(a, b), 0) for a, b in zip(images, texts, strict=True)]
    found = clip_scores(images, texts)
    np.testing.assert_allclose(found, naive, atol=1e-6)
    assert (found == 0).any()


def test_ref_clip_score_equals_a_loop(features):
    naive = []
    for image, text, references in zip(*features, strict=True):
        a, b = 2.5 * max(cosine(image, text), 0), max(0, *(cosine(text, each) for each in references))
        naive.append(2 * a * b / (a + b) if a + b else 0)
    found = ref_clip_scores(*features)
    np.testing.assert_allclose(found, naive, atol=1e-6)
    assert (found > 0).any()


def test_a_caption_equal_to_its_reference():
    images, texts = np.array([[1.0, 1]], np.float32), np.array([[1.0, 0]], np.float32)
    a = 2.5 * np.sqrt(0.5)
    assert ref_clip_scores(images, texts, [texts])[0] == pytest.approx(2 * a / (a + 1), rel=1e-6)


def test_nan_is_refused(features):
    images, texts, references = features
    images[3, 2] = np.nan
    with pytest.raises(DataError, match="image features"):
        clip_scores(images, texts)
    references[1][0] = np.nan
    with pytest.raises(DataError, match="reference features"):
        ref_clip_scores(texts, texts, references)
