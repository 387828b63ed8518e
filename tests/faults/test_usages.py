"""Wrong usages end in a sentence and the right exit code; a campaign runs them all, this a part that is quick."""

from pathlib import Path

import pytest

from tests.faults.usages import run_usage, usages
from tests.faults.world import World, build_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


def test_there_are_many_and_their_names_differ():
    names = [usage.name for usage in usages()]
    assert len(names) > 2000
    assert len(set(names)) == len(names)


def test_written_usages_are_answered_with_their_sentence(world: World):
    written = [usage for usage in usages() if usage.says]
    assert len(written) > 170
    # With and without --json goes through the same code; half of each is enough for every day.
    verdicts = [run_usage(usage, world, seconds=10) for usage in written[::2]]
    assert [verdict for verdict in verdicts if verdict.kind != "ok"] == []


def test_every_option_takes_odd_values_in_an_orderly_way(world: World):
    crossed = [usage for usage in usages() if not usage.says]
    verdicts = [run_usage(usage, world, seconds=10) for usage in crossed[::40]]
    assert [verdict for verdict in verdicts if verdict.kind != "ok"] == []


def test_loops_and_pipes_in_a_folder_are_bounded(world: World):
    from tests.faults.verdicts import call

    for name in ("loops", "pipe-photos", "endless-photos"):
        called = call(["check", world.places[name], "--json"], Path(world.folder), environment=world.environment)
        assert called.code in {0, 1}, (name, called)
    assert '"odd.png' not in called.out or "is a device" in called.out
