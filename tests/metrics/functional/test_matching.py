import numpy as np

from workbench.metrics import functional as F


def test_winoground_against_its_definition():
    scores = np.random.default_rng(0).normal(size=(200, 2, 2))
    text, image, group = F.winoground(scores)
    for k, s in enumerate(scores):
        right_text = all(s[i].argmax() == i for i in (0, 1))
        right_image = all(s[:, i].argmax() == i for i in (0, 1))
        assert (text[k], image[k], group[k]) == (right_text, right_image, right_text and right_image)
    assert text.any()
    assert (text != image).any()
