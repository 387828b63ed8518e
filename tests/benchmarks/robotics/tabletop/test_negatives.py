"""Contrasts: the first sentence is true of what is seen, the others are false."""

import re

import numpy as np
import pytest

from benchmarks.robotics.tabletop.language import WORDS
from benchmarks.robotics.tabletop.negatives import contrasts
from benchmarks.robotics.tabletop.objects import COLOURS, KINDS, SIZES
from benchmarks.robotics.tabletop.view import Seen, relation_holds

SIZE = 192
RELATIONS = {word: relation for relation, word in WORDS.items()}
THING = r"an? (\w+) (\w+)"


def photograph(rng):
    found = []
    for _ in range(rng.integers(2, 7)):
        left, top = rng.integers(0, 150, 2)
        box = (int(left), int(top), int(left) + 30, int(top) + 30)
        kind, colour = KINDS[rng.integers(len(KINDS))], COLOURS[rng.integers(len(COLOURS))]
        found.append(Seen(kind, colour, SIZES[rng.integers(2)], box, float(rng.uniform(0.2, 0.8)), 1.0))
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
