import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.search import ImageTerm, TextTerm, parse_line, parse_terms, query_vector

SPACE = {"red": [3.0, 0, 0], "blue": [0, 0.5, 0], "both": [1, 1, 0], "nothing": [0, 0, 0]}


def encode(texts):
    return np.array([SPACE[text] for text in texts], dtype=np.float32)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["red fruit"], [("red fruit", 1)]),
        (["red fruit", "+", "bird", "-", "branch"], [("red fruit", 1), ("bird", 1), ("branch", -1)]),
        (["2", "red fruit", "-", ".5", "branch"], [("red fruit", 2), ("branch", -0.5)]),
        (["-", "branch", "bird"], [("branch", -1), ("bird", 1)]),
        (["a + b - c"], [("a + b - c", 1)]),
        (["7"], [("7", 1)]),
        (["bird", "+", "7"], [("bird", 1), ("7", 1)]),
        (["3", "7"], [("7", 3)]),
        (["1,000", "+", "-1"], [("1,000", 1), ("-1", 1)]),
        ([], []),
    ],
)
def test_sentences_signs_and_weights(arguments, expected):
    assert [(term.text, term.weight) for term in parse_terms(arguments)] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a cat's toy - not a book", [("a cat's toy - not a book", 1)]),
        ("'", [("'", 1)]),
        ('2 "red fruit" - .5 "a cat\'s toy"', [("red fruit", 2), ("a cat's toy", -0.5)]),
        (r'"a 12\" pot" + bird', [('a 12" pot', 1), ("bird", 1)]),
        ('# "red"', [("#", 1), ("red", 1)]),
    ],
)
def test_a_line_is_one_sentence_or_several_in_quotation_marks(line, expected):
    assert [(term.text, term.weight) for term in parse_line(line)] == expected


@pytest.mark.parametrize("line", ['"', '"a', 'a 12" pot', '"a" - "b', r'"a\\'])
def test_a_quotation_mark_without_a_partner_is_said(line):
    with pytest.raises(WorkbenchError, match="without a partner"):
        parse_line(line)


@pytest.mark.parametrize("line", ["", " ", '""', '"a" -'])
def test_a_line_without_a_sentence_is_refused(line):
    with pytest.raises(WorkbenchError, match="sentence"):
        parse_line(line)


@pytest.mark.parametrize("arguments", [["red", "+"], ["+", "-", "red"], ["red", "-", "+", "blue"], [""], ["red", " "]])
def test_a_sign_without_a_sentence_is_refused(arguments):
    with pytest.raises(WorkbenchError, match="sentence"):
        parse_terms(arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["red", "+", "2,5", "apple"], 'write 2.5 "apple"'),
        (["+2", "apple"], 'write + 2 "apple"'),
        (["red", "-0.5", "apple"], 'write - 0.5 "apple"'),
        (["red", "+", "0", "apple"], 'the weight of "apple" is 0'),
    ],
)
def test_a_weight_written_otherwise_is_no_sentence(arguments, said):
    with pytest.raises(WorkbenchError, match=said.replace("+", r"\+")):
        parse_terms(arguments)


def test_weights_of_0_do_not_cancel_each_other_out():
    with pytest.raises(WorkbenchError, match="every weight is 0"):
        query_vector([TextTerm("red", 0)], encode)


def test_terms_are_weighted_unit_vectors():
    found = query_vector([TextTerm("red", 2), TextTerm("blue", -1)], encode)
    np.testing.assert_allclose(found, np.array([2, -1, 0]) / np.sqrt(5), rtol=1e-6)


def test_images_and_texts_combine():
    found = query_vector([ImageTerm("a.png", np.array([0, 0, 9], np.float32)), TextTerm("red")], encode)
    np.testing.assert_allclose(found, np.array([1, 0, 1]) / np.sqrt(2), rtol=1e-6)


@pytest.mark.parametrize(
    "terms",
    [
        [],
        [TextTerm("red"), TextTerm("red", -1)],
        [TextTerm("red", 0)],
        [TextTerm("nothing")],
        [TextTerm("red", float("nan"))],
        [TextTerm("red", float("inf"))],
        [ImageTerm("a.png", np.array([np.nan, 0, 0], np.float32))],
    ],
)
def test_what_has_no_direction_is_refused(terms):
    with pytest.raises(WorkbenchError, match="search"):
        query_vector(terms, encode)
