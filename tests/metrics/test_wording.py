import pytest

from workbench.metrics import PairedDifference, describe


def difference(value=0.031, low=0.012, high=0.05, p=0.003, **changes):
    return PairedDifference(value, low, high, p, "exact McNemar test", **{"reliable": True, "n": 300, **changes})


def test_a_difference_names_the_better_run():
    assert describe(difference(), "lora", "zero-shot", "accuracy") == (
        "lora is better than zero-shot in accuracy by 3.1 points "
        "(95 % interval +1.2 points to +5.0 points, p = 0.003, exact McNemar test)."
    )


def test_the_interval_turns_with_the_winner():
    text = describe(difference(-0.031, -0.05, -0.012, 0.0001), "lora", "zero-shot", "accuracy")
    assert text.startswith("zero-shot is better than lora in accuracy by 3.1 points (95 % interval +1.2 points to +5.0")
    assert "p < 0.001" in text


@pytest.mark.parametrize(
    ("metric", "winner"), [("nll", "b"), ("ece", "b"), ("text_to_image_median_rank", "b"), ("auroc", "a")]
)
def test_lower_can_be_better(metric, winner):
    assert describe(difference(), "a", "b", metric).startswith(f"{winner} is better")


def test_no_evidence_is_said_in_words():
    text = describe(difference(0.008, -0.012, 0.028, 0.41), "a", "b", "accuracy")
    assert text.startswith(
        "No evidence of a difference in accuracy: a minus b is +0.8 points (95 % interval -1.2 points to"
    )


def test_an_interval_that_holds_0_is_no_evidence_whatever_the_test_says():
    text = describe(difference(0.008, -0.002, 0.02, 0.001), "a", "b", "accuracy")
    assert text.startswith("No evidence")
    assert "the interval does not" in text


def test_correction_decides_and_is_said():
    text = describe(difference(), "a", "b", "accuracy", p_value=0.06)
    assert text.startswith("No evidence")
    assert "p = 0.060 after Holm correction" in text


@pytest.mark.parametrize(("groups", "hopeless"), [(5, True), (12, False)])
def test_few_groups_are_warned_about(groups, hopeless):
    text = describe(difference(reliable=False, n_groups=groups), "a", "b", "accuracy")
    assert f"rests on {groups} groups and is unreliable" in text
    assert ("no test" in text) is hopeless
