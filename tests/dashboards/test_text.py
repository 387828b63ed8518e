import pytest

from dashboards.text import escaped, runs_caption


@pytest.mark.parametrize("text", ["*a*", "[x](javascript:1)", "<b>", "`c`", "$x$", ":red[a]", "# h", "a_b_c", "~~s~~"])
def test_every_mark_is_escaped(text):
    unescaped = escaped(text).replace("\\\\", "")
    for i, character in enumerate(unescaped):
        if character in "*[]()<>`$:#_~":
            assert unescaped[i - 1] == "\\"


def test_line_breaks_become_spaces():
    assert escaped("a\n\n# b") == "a \\# b"


def test_says_which_runs_and_when(make_run):
    one = make_run()
    assert one.run_id[:8] in runs_caption([one])
    assert "2023-11-14 22:13 UTC" in runs_caption([one])
    assert runs_caption([make_run() for _ in range(9)]).startswith("9 runs of s")
