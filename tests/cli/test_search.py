import json

import pytest

from workbench.cli import main


@pytest.fixture
def run_search(capsys, make_colours, tiny_model):
    folder = make_colours()

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(["search", str(folder), *map(str, arguments), "--model", tiny_model])
        out = capsys.readouterr()
        return exit_.value.code, out.out, out.err

    run.folder = folder
    return run


def test_sentences_with_signs_and_weights_from_the_command_line(run_search, tmp_path):
    page = tmp_path / "not yet there" / "page.html"
    code, out, _ = run_search("2", "red", "+", "green", "-", "blue", "--top", 4, "--json", "--html", page)
    found = json.loads(out)
    assert code == 0
    assert found["query"] == [
        {"text": "red", "weight": 2.0}, {"text": "green", "weight": 1.0}, {"text": "blue", "weight": -1.0},
    ]  # fmt: skip
    assert len(found["results"]) == 4
    assert found["index"] == "exact"
    assert {row["labels"][0] for row in found["results"]} <= {"red", "green", "blue"}
    scores = [row["score"] for row in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert page.read_text().count("<img") == 4


def test_an_image_finds_itself(run_search):
    code, out, _ = run_search("--image", run_search.folder / "test" / "red" / "3.png", "--top", 1)
    assert code == 0
    assert "test/red/3.png" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "sentence"),
        (("red", "-"), "must follow"),
        (("--image", "missing.png"), "missing.png"),
        (("red", "-", "red"), "cancel"),
        (("red", "-0.5", "apple"), 'write - 0.5 "a sentence"'),
        (("red", "-,5", "apple"), 'write - .5 "a sentence"'),
        (("red", "--htlm", "x.html"), "No such option"),
    ],
)
def test_wrong_usage_is_one_sentence(run_search, arguments, said):
    code, _, err = run_search(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_an_image_that_is_not_there_is_named_once(run_search):
    _, _, err = run_search("--image", "missing.png")
    assert err == "workbench: missing.png: cannot be read (No such file or directory).\n"


def test_what_is_found_is_named_in_the_language_of_the_sentence(make_colours, tiny_model, tmp_path, capsys):
    make_colours()
    card = tmp_path / "colours.toml"
    card.write_text(
        """
name = "colours"
source = {type = "folder", path = "colours"}
columns = {label = "label"}
classes = {red = "red", green = "green", blue = "blue"}
prompts = {templates = ["a {} sheet."]}
[languages.ja]
templates = ["{}の紙"]
classes = {red = "赤", green = "緑", blue = "青"}
""",
        encoding="utf-8",
    )
    labels = {}
    for language in ("en", "ja", "de"):
        with pytest.raises(SystemExit):
            main(["search", str(card), "red", "--model", tiny_model, "--language", language, "--json"])
        labels[language] = {label for row in json.loads(capsys.readouterr().out)["results"] for label in row["labels"]}
    assert labels["ja"] <= {"赤", "緑", "青"}
    assert labels["en"] <= {"red", "green", "blue"}
    assert labels["de"] <= {"red", "green", "blue"}
