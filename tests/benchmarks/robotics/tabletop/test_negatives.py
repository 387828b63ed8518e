"""Contrasts: the first sentence is true of what is seen, the others are false."""

import re

import numpy as np
import pytest

from benchmarks.robotics.tabletop.language import WORDS
from benchmarks.robotics.tabletop.negatives import contrasts
from benchmarks.robotics.tabletop.objects import COLOURS, KINDS, SIZES
from benchmarks.robotics.tabletop.view import VisibleThing, relation_holds

SIZE = 192
RELATIONS = {word: relation for relation, word in WORDS.items()}
THING = r"an? (\w+) (\w+)"


def photograph(rng):
    found = []
    for _ in range(rng.integers(2, 7)):
        left, top = rng.integers(0, 150, 2)
        box = (int(left), int(top), int(left) + 30, int(top) + 30)
        kind, colour = KINDS[rng.integers(len(KINDS))], COLOURS[rng.integers(len(COLOURS))]
        found.append(VisibleThing(kind, colour, SIZES[rng.integers(2)], box, float(rng.uniform(0.2, 0.8)), 1.0))
    return found


def there(seen, colour, kind):
    return [thing for thing in seen if (thing.colour, thing.kind) == (colour, kind)]


def holds(text, seen):
    """Whether a sentence is true, from the sentence and the objects alone."""
    if match := re.fullmatch(r"there is (a|no) (\w+) (\w+)", text):
        return bool(there(seen, *match.groups()[1:])) == (match[1] == "a")
    if match := re.fullmatch(rf"{THING} and {THING}", text):
        return bool(there(seen, match[1], match[2])) and bool(there(seen, match[3], match[4]))
    match = re.fullmatch(rf"{THING} ({'|'.join(RELATIONS)}) {THING}", text)
    ones, others = there(seen, match[1], match[2]), there(seen, match[4], match[5])
    return any(relation_holds(one, RELATIONS[match[3]], other, SIZE) for one in ones for other in others)


@pytest.mark.parametrize("seed", range(40))
def test_right_ones_hold_and_wrong_ones_do_not(seed):
    rng = np.random.default_rng(seed)
    seen = photograph(rng)
    for contrast in contrasts(seen, SIZE, rng):
        assert holds(contrast.text, seen), contrast
        assert contrast.wrong
        assert not any(holds(text, seen) for text in contrast.wrong), contrast


def test_neither_form_of_a_negation_gives_the_answer_away():
    rng = np.random.default_rng(0)
    texts = [c.text for _ in range(400) for c in contrasts(photograph(rng), SIZE, rng) if c.kind == "negation"]
    assert 0.4 < np.mean([" is no " in text for text in texts]) < 0.6


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(1)
    return [contrast for _ in range(1500) for contrast in contrasts(photograph(rng), SIZE, rng)]


@pytest.mark.parametrize(("words", "position"), [(COLOURS, 0), (KINDS, 1)], ids=["colours", "kinds"])
def test_what_is_said_to_be_missing_is_as_often_there(many, words, position):
    """Otherwise a word would tell, without a look at the picture."""
    said = [re.fullmatch(r"there is (a|no) (\w+) (\w+)", c.text).groups() for c in many if c.kind == "negation"]
    for word in words:
        truth = [form == "a" for form, *thing in said if thing[position] == word]
        assert 0.4 < np.mean(truth) < 0.6, word


@pytest.mark.parametrize(
    ("kind", "words", "group"), [("object", KINDS, 2), ("attribute", COLOURS, 1)], ids=["object", "attribute"]
)
def test_right_and_wrong_sentences_use_the_same_words_as_often(many, kind, words, group):
    own = [c for c in many if c.kind == kind]
    right = [re.fullmatch(rf"{THING} and {THING}", c.text)[group] for c in own]
    wrong = [re.fullmatch(rf"{THING} and {THING}", text)[group] for c in own for text in c.wrong]
    for word in words:
        shares = [np.mean([each == word for each in said]) for said in (right, wrong)]
        assert abs(shares[0] - shares[1]) < 0.05, word


def test_no_sentence_names_a_kind_or_colour_twice(many):
    for contrast in many:
        for text in (contrast.text, *contrast.wrong) if contrast.kind in {"object", "attribute"} else ():
            one, first, two, second = re.fullmatch(rf"{THING} and {THING}", text).groups()
            assert one != two, text
            assert first != second, text
