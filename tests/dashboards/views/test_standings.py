import math
import statistics

import pytest

from dashboards.views.cost import pareto_front
from dashboards.views.heat_map import heat_map
from dashboards.views.shots import shot_curves
from dashboards.views.standings import metrics_of, shots_order, standings


def test_best_first_and_equals_share_a_rank(make_run):
    runs = [make_run("a", 0.5), make_run("b", 0.7), make_run("c", 0.7), make_run("d", 0.6)]
    found = standings(runs, "accuracy")
    assert [(each.first.label, each.rank) for each in found] == [("b", 1), ("c", 1), ("d", 3), ("a", 4)]


def test_losses_rank_upwards(make_run):
    runs = [make_run("a", metrics={"nll": 2.0}), make_run("b", metrics={"nll": 1.0})]
    assert [each.first.label for each in standings(runs, "nll")] == ["b", "a"]


def test_one_run_keeps_its_own_interval(make_run):
    (found,) = standings([make_run(accuracy=0.5, half=0.1)], "accuracy")
    assert (found.value, found.low, found.high) == (0.5, 0.4, 0.6)


def test_seeds_are_averaged_and_have_the_interval_of_their_group(make_run):
    runs = [make_run(accuracy=v, seed=i) for i, v in enumerate([0.4, 0.5, 0.6])]
    (found,) = standings(runs, "accuracy", lambda group, _: (0.3, 0.1 * len(group.runs) + 0.4))
    assert found.value == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.3, 0.7))


def test_other_settings_are_another_line(make_run):
    runs = [make_run(params={"rank": "2"}), make_run(params={"rank": "8"}), make_run(shots="8")]
    assert len(standings(runs, "accuracy")) == 3


def test_runs_without_a_result_have_no_line(make_run):
    assert standings([make_run(status="failed"), make_run(status="running")], "accuracy") == []


def test_intervals_over_few_groups_are_called_unreliable(make_run):
    (found,) = standings([make_run(metrics={"test_groups": 7})], "accuracy")
    assert not found.reliable


def test_metrics_begin_with_the_primary_one_and_leave_counts_out(make_run):
    run = make_run(metrics={"ece": 0.1, "ece_ci_low": 0.0, "ece_ci_high": 0.2, "train_seconds": 3.0})
    assert metrics_of([run]) == ["accuracy", "ece"]


def test_shots_are_ordered_by_number():
    assert sorted(["all", "16", "-", "2"], key=shots_order) == ["-", "2", "16", "all"]


def test_heat_map_takes_the_most_shots_and_not_the_best_value(make_run):
    runs = [make_run(accuracy=0.9, shots="1"), make_run(accuracy=0.6, shots="16"), make_run("b", 0.3, dataset="e")]
    found = {(cell.dataset, cell.recipe): cell.standing.value for cell in heat_map(runs)}
    assert found == {("d", "gda"): 0.6, ("e", "b"): 0.3}


def test_shot_curves(make_run):
    runs = [
        make_run(accuracy=0.5, shots="2", seed=0), make_run(accuracy=0.7, shots="2", seed=1),
        make_run(accuracy=0.8, shots="16"), make_run("zero-shot", 0.4, shots="0"),
    ]  # fmt: skip
    points, level = shot_curves(runs, "accuracy")
    assert [(point.shots, point.mean) for point in points] == [("2", pytest.approx(0.6)), ("16", 0.8)]
    assert points[0].spread == pytest.approx(statistics.stdev([0.5, 0.7]))
    assert math.isnan(points[1].spread)
    assert [each.first.label for each in level] == ["zero-shot"]


def test_pareto_front_against_all_pairs(make_run):
    values = [(0.5, 1.0), (0.6, 2.0), (0.55, 3.0), (0.9, 9.0), (0.5, 1.0), (0.4, 0.5)]
    runs = [make_run(f"r{i}", v, metrics={"train_seconds": cost}) for i, (v, cost) in enumerate(values)]
    found = standings(runs, "accuracy")
    front = {each.first.label for each, on in zip(found, pareto_front(found, "train_seconds"), strict=True) if on}
    assert front == {"r0", "r1", "r3", "r4", "r5"}


def test_a_run_without_the_cost_is_not_on_the_front(make_run):
    found = standings([make_run()], "accuracy")
    assert pareto_front(found, "train_seconds") == [False]


def test_states_are_never_averaged_and_a_seed_counts_once(make_run):
    runs = [make_run(accuracy=a, tags={"dataset.fingerprint": f}) for f, a in (("b", 0.4), ("b", 0.9), ("a", 0.6))]
    assert [(each.value, len(each.runs)) for each in standings(runs, "accuracy")] == [(0.6, 1), (0.4, 1)]
