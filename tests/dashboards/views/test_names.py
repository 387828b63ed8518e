"""Names stay short and different, whatever models are called."""

from dashboards.views.names import shortened, shortened_apart, standing_names
from dashboards.views.standings import standings


def test_long_names_keep_both_ends():
    assert shortened("hf-hub:imageomics/bioclip-2", 21) == "hf-hub:ima…/bioclip-2"
    long = "hf-hub:" + "x" * 50 + "/bioclip-2"
    assert len(shortened(long)) == 24
    assert (shortened(long)[:7], shortened(long)[-10:]) == ("hf-hub:", "/bioclip-2")
    assert shortened("short") == "short"


def test_names_are_as_long_as_it_takes_to_tell_them_apart():
    alike = [f"probe from leaf-morphology-{middle}-domains" for middle in ("north", "south")]
    short = shortened_apart([*alike, "short", alike[0]], 20)
    assert short[0] == short[3] != short[1]
    assert short[2] == "short"
    assert ("rth" in short[0], "uth" in short[1]) == (True, True)
    assert shortened_apart(["short", "x" * 15 + "y" * 15], 11) == ["short", "xxxxx…yyyyy"]
    assert shortened_apart([]) == []


def test_what_is_the_same_everywhere_is_left_out(make_run):
    names = standing_names(standings([make_run("a"), make_run("b", 0.4)], "accuracy"))
    assert names == ["a", "b"]
    runs = [make_run("a", shots="1"), make_run("a", 0.4, shots="4"), make_run("b", 0.3, model="n", shots="4")]
    assert standing_names(standings(runs, "accuracy")) == ["a · m · 1", "a · m · 4", "b · n · 4"]


def test_models_with_the_same_ends_are_told_apart(make_run):
    models = [f"hf-hub:organisation/{middle}-and-the-same-long-end" for middle in ("one", "two")]
    runs = [make_run("a", 0.5 - i / 10, model=model) for i, model in enumerate(models)]
    names = standing_names(standings(runs, "accuracy"))
    assert len(set(names)) == 2
