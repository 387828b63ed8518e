"""Sentences of classes, and their embeddings."""

import numpy as np

from workbench.datasets.prompts import ClassPrompts
from workbench.models.class_embeddings import class_embeddings

PROMPTS = ClassPrompts(("oak", "{elm}"), ("a photo of a {}.", "a {} leaf."), {"oak": ("lobed", "brown")})


def test_kinds_of_sentences():
    assert PROMPTS.sentences("single") == [["a photo of a oak."], ["a photo of a {elm}."]]
    assert PROMPTS.sentences("ensemble")[0] == ["a photo of a oak.", "a oak leaf."]
    assert PROMPTS.sentences("mix")[0] == ["a photo of a oak.", "a oak leaf.", "lobed", "brown"]
    assert PROMPTS.sentences("descriptions") == [["lobed", "brown"], ["a photo of a {elm}."]]


def test_embedding_is_the_renormalised_mean_of_normalised_sentences():
    vectors = {"a": [3.0, 0.0], "b": [0.0, 1.0], "c": [0.0, -2.0]}

    class Model:
        def encode_texts(self, texts):
            return np.array([vectors[text] for text in texts], dtype=np.float32)

    found = class_embeddings(Model(), [["a", "b"], ["c"]])
    np.testing.assert_allclose(found, [[np.sqrt(0.5), np.sqrt(0.5)], [0, -1]], atol=1e-6)
