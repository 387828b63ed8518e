from itertools import product

import pytest
import torch

from workbench.captioning import beam_search

END = 3


def planted(images, seed, vocabulary=4):
    """A decoder whose next token depends on the image, the last token and the length."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(images, vocabulary + 1, 8, vocabulary, generator=generator).log_softmax(-1)
    return lambda tokens, rows: table[rows, tokens[:, -1], tokens.shape[1]]


def likelihood(step, image, sentence):
    tokens, total = [4], 0.0
    for token in (*sentence, END):
        total += float(step(torch.tensor([tokens]), torch.tensor([image]))[0, token])
        tokens.append(token)
    return total / (len(sentence) + 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_likeliest_sentence(seed):
    step = planted(3, seed)
    found = beam_search(step, 3, start=4, end=END, beams=64, min_length=2, max_length=5)
    sentences = [own for n in (1, 2, 3) for own in product(range(3), repeat=n)]
    for image, ours in enumerate(found):
        best = max(sentences, key=lambda own, image=image: likelihood(step, image, own))
        assert tuple(ours) == best


@pytest.mark.parametrize("min_length", [1, 4])
def test_one_beam_is_greedy(min_length):
    step = planted(4, 1)
    found = beam_search(step, 4, start=4, end=END, beams=1, min_length=min_length, max_length=7)
    for image, ours in enumerate(found):
        tokens = [4]
        while len(tokens) < 6:
            scores = step(torch.tensor([tokens]), torch.tensor([image]))[0].clone()
            if len(tokens) < min_length:
                scores[END] = -torch.inf
            tokens.append(int(scores.argmax()))
            if tokens[-1] == END:
                break
        assert ours == [token for token in tokens[1:] if token != END]
        assert len(ours) + 1 >= min_length


def test_images_do_not_touch_each_other():
    step = planted(5, 2)
    options = {"start": 4, "end": END, "beams": 3, "min_length": 2, "max_length": 6}
    together = beam_search(step, 5, **options)
    for image, ours in enumerate(together):
        alone = beam_search(lambda tokens, rows, image=image: step(tokens, rows + image), 1, **options)
        assert alone == [ours]


def test_more_beams_than_tokens():
    found = beam_search(planted(1, 0), 1, start=4, end=END, beams=50, min_length=1, max_length=2)
    assert found == [[]]
