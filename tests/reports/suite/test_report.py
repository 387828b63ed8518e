"""The report of a suite: complete, self-contained, and harmless whatever names are in it."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from tests.runs.comparisons.conftest import Suite
from workbench.errors import WorkbenchError
from workbench.reports.suite import suite_json, suite_text, write_report
from workbench.reports.suite.grids import grids, standings
from workbench.reports.suite.selection import select


class Reader(HTMLParser):
    """Collects tags, texts and everything that could load something."""

    def __init__(self):
        super().__init__()
        self.tags, self.loads, self.text, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "href", "srcset"}]
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_whole_and_loads_nothing(comparison, tmp_path):
    write_report(comparison, tmp_path / "new" / "report", "What <i>it</i> is for.")
    content = (tmp_path / "new" / "report" / "report.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(content)
    assert reader.open == []
    assert all(value.startswith("data:image/svg+xml;base64,") for value in reader.loads)
    assert len(reader.loads) == 4  # A verdict's recipes and the curves, on each of two datasets.
    assert "script" not in reader.tags
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", content)
    text = " ".join(reader.text)
    for expected in (
        "Suite my <suite>", "What <i>it</i> is for.", "majority-class (baseline)", "pro_be & co", "Friedman test",
        "2 datasets are few", "no evidence of a difference from", "Holm-corrected", "own <b>split</b>", "2.9", "f00",
        "2023-11-14",
    ):  # fmt: skip
        assert expected in text


def test_figures_are_valid_svg_without_script(comparison, tmp_path):
    files = write_report(comparison, tmp_path)
    pictures = [path for path in files if path.suffix == ".svg"]
    assert len(pictures) == 4
    for path in pictures:
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(path.read_bytes()).iter()}
        assert "script" not in tags
        assert path.parent == tmp_path / "figures"
    again = write_report(comparison, tmp_path / "again")
    assert [p.read_bytes() for p in again if p.suffix == ".svg"] == [p.read_bytes() for p in pictures]


def test_markdown_names_its_figures_and_escapes(comparison, tmp_path):
    write_report(comparison, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    for name in re.findall(r"\]\((figures/[^)]+)\)", text):
        assert (tmp_path / name).is_file()
    assert "<script>" not in text.replace(r"\<script\>", "")
    rows = [line for line in text.splitlines() if line.startswith("| majority-class")]
    assert all(line.count("|") == 5 for line in rows[:1])


def test_cells_say_best_and_what_is_not_told_apart_from_it(comparison):
    grid = next(grid for grid in grids(comparison) if grid.dataset == "ferns")
    assert grid.columns == ("0", "1", "4")
    probe, close = grid.rows["pro_be & co"]["4"], grid.rows["close"]["4"]
    best, other = (probe, close) if probe.best else (close, probe)
    assert best.entry.estimate.value >= other.entry.estimate.value
    assert other.near
    assert not grid.rows["zero-shot"]["0"].near or grid.rows["zero-shot"]["0"].best
    assert list(grid.rows)[-2:] == ["zero-shot", "majority-class"]


def test_what_is_best_is_best_of_all_whatever_is_shown(comparison):
    shown = select(comparison, {"recipe": ("zero-shot", "pro_be & co"), "dataset": ("ferns",)})
    (small,) = grids(comparison, shown)
    whole = next(grid for grid in grids(comparison) if grid.dataset == "ferns")
    assert set(small.rows) == {"zero-shot", "pro_be & co"}
    for label, places in small.rows.items():
        assert places == whole.rows[label]
    assert not grids(comparison, select(comparison, {"recipe": ("zero-shot",)}))[0].rows.keys() - {"zero-shot"}


def test_standings_in_words(comparison):
    pairs = [p for p in comparison.pairs if p.first.run.dataset == "ferns" and p.kind == "recipes" and p.shots == "4"]
    said = {line.partition(":")[0]: line for line in standings(pairs)}
    assert "better than zero-shot, majority-class; no evidence of a difference from" in said["close"]
    assert "worse than" in said["zero-shot"]
    assert standings(pairs, {"close"}) == [said["close"]]


def test_choosing_what_is_shown_changes_no_p_value(comparison):
    whole = json.loads(suite_json(comparison))
    part = json.loads(suite_json(comparison, {"dataset": ("ferns",), "recipe": ("close",), "shots": ("4",)}))
    assert part["family_size"] == whole["family_size"] == len(whole["comparisons"])
    assert 0 < len(part["comparisons"]) < len(whole["comparisons"])
    assert all(pair in whole["comparisons"] for pair in part["comparisons"])
    assert {entry["label"] for entry in part["entries"]} == {"close"}
    zero_shot = next(entry for entry in whole["entries"] if entry["label"] == "zero-shot")
    assert zero_shot["sd"] is None
    with pytest.raises(WorkbenchError, match=r"--recipe clsoe: .* Did you mean 'close'"):
        suite_json(comparison, {"recipe": ("clsoe",)})


def test_the_terminal_gets_words_and_no_control_characters(comparison):
    text = suite_text(comparison, width=120)
    assert "no evidence of a difference" in text.lower()
    assert f"Holm-corrected over the {len(comparison.pairs)} comparisons" in text
    assert "More shots:" in text
    assert "\x1b" not in text


def test_a_folder_that_cannot_be_written_is_named(comparison, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkbenchError, match=r"--to .*file.*cannot be written"):
        write_report(comparison, tmp_path / "file")


def test_a_recipes_name_means_it_with_all_its_settings():
    suite = Suite()
    for k in (1, 2):
        suite.write("probe", params={"k": k}, signal=float(k))
    suite.write("probes", signal=1.5)
    comparison = suite.comparison()
    for asked, labels in (
        ("probe", {"probe (k=1)", "probe (k=2)"}), ("probe (k=2)", {"probe (k=2)"}), ("probes", {"probes"}),
    ):  # fmt: skip
        assert {entry.group.label for entry in select(comparison, {"recipe": (asked,)}).results} == labels
