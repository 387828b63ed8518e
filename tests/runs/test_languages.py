"""A run in another language is another run, and tables say so."""

import pytest

from workbench import run
from workbench.cli import main
from workbench.errors import CardError
from workbench.runs.comparisons import compare_suite
from workbench.runs.comparisons.runs import compare_runs
from workbench.runs.finished import FinishedRun
from workbench.tracking import open_store

CARD = """
name = "colours"
[source]
type = "folder"
path = "colours"
[columns]
label = "label"
[classes]
red = "red"
green = "green"
blue = "blue"
[prompts]
templates = ["a {} sheet."]
[languages.ja]
templates = ["{}色の紙"]
classes = {red = "赤", green = "緑", blue = "青"}
"""


@pytest.fixture
def card(tmp_path, make_colours):
    make_colours()
    path = tmp_path / "colours.toml"
    path.write_text(CARD, encoding="utf-8")
    return str(path)


def test_languages_are_kept_apart(card, tiny_model, settings, capsys):
    options = {"models": [tiny_model], "datasets": [card], "recipes": ["zero-shot"], "name": "both"}
    options |= {"device": "cpu", "precision": "fp32", **settings.model_dump(include={"cache", "runs"})}
    english = run(**options)
    japanese = run(**options, language="ja")
    assert set(english["run_id"]).isdisjoint(japanese["run_id"])
    done = {}
    for language, frame in (("en", english), ("ja", japanese)):
        row = frame[frame["recipe"] == "zero-shot"].iloc[0]
        assert row["status"] == "finished"
        done[language] = FinishedRun.open(row["run_id"], settings)
        assert done[language].result.tags["language"] == language
        assert done[language].card.language == language
    assert done["ja"].predictions.class_names == ("赤", "緑", "青")
    assert done["ja"].result.key != done["en"].result.key
    assert "English tokenizer" in done["ja"].result.tags["notes"]
    assert "tokenizer" not in done["en"].result.tags.get("notes", "")
    with pytest.raises(SystemExit):
        main(["results", "--suite", "both", "--format", "markdown"])
    out = capsys.readouterr().out
    assert "colours (ja)" in out
    assert len(run(**options)) == len(english)  # Nothing is run again.
    # The same images: the two can be compared, alone and in their suite.
    (alone,) = compare_runs(done["en"], [done["ja"]])
    assert "call 3 classes otherwise, for example 'red' and '赤'" in "\n".join(alone.marks)
    comparison = compare_suite(open_store(settings), "both")
    (pair,) = [pair for pair in comparison.pairs if pair.kind == "names"]
    assert {pair.first.run.dataset, pair.other.run.dataset} == {"colours", "colours (ja)"}
    assert abs(pair.difference.value) == pytest.approx(abs(alone.difference.value))


def test_a_language_that_the_card_lacks_is_refused_before_any_run(card, tiny_model, settings):
    with pytest.raises(CardError, match="'de'"):
        run(
            models=[tiny_model], datasets=[card], recipes=["zero-shot"], language="de",
            **settings.model_dump(include={"cache", "runs"}),
        )  # fmt: skip


def test_the_flag_replaces_a_suites_language(card, tiny_model, capsys):
    arguments = ["--model", tiny_model, "--dataset", card, "--recipe", "linear-probe", "--language", "de"]
    with pytest.raises(SystemExit) as exit_:
        main(["run", *arguments])
    assert exit_.value.code == 2
    assert "It has: en, ja" in capsys.readouterr().err
