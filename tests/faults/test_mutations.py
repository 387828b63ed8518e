"""Damaged inputs end in an orderly way; a campaign tries many, this some of each kind."""

import pytest

from tests.faults.mutations import KINDS, mutations, run_mutation
from tests.faults.world import World, build_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


def test_a_seed_gives_the_same_cases():
    assert list(mutations(50, 3)) == list(mutations(50, 3))
    assert {each.kind for each in mutations(len(KINDS))} == set(KINDS)


def test_damaged_inputs_are_answered_with_a_sentence(world: World):
    verdicts = [run_mutation(mutation, world, seconds=10) for mutation in mutations(3 * len(KINDS), seed=1)]
    assert [verdict for verdict in verdicts if verdict.kind != "ok"] == []
