"""What tables say of a dataset comes from the runs that know it."""

from workbench.tracking import RunResult, notes_on_dataset


def run(number, *, notes="", duplicates=""):
    tags = {"dataset.notes": notes, "dataset.duplicates": duplicates}
    return RunResult.from_store(f"r{number}", "FINISHED", number, "", {}, {}, tags)


def test_the_newest_run_that_knows_tells_of_duplicates():
    runs = [
        run(3, notes="new"),
        run(1, notes="old", duplicates="3 of 9"),
        run(2, notes="old", duplicates="5 of 9\nA column."),
    ]
    assert notes_on_dataset(runs) == ("new", "5 of 9", "A column.")
    assert notes_on_dataset(runs[:1]) == ("new",)
    assert notes_on_dataset([]) == ()
