"""The table of untidy inputs in the documentation."""

from collections.abc import Sequence
from pathlib import Path

from tests.untidy.untidy import Untidy, outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "files.md"
BEGIN, END = "<!-- untidy: begin -->", "<!-- untidy: end -->"


def rows(inputs: Sequence[Untidy], folder: Path) -> str:
    """A line for each input: what lies there, whether it is read, and what is said."""
    lines = ["| what lies there | read | what is said |", "|---|---|---|"]
    for i, untidy in enumerate(inputs):
        found = outcome(untidy, folder / str(i), folder / f"cache{i}")
        said = " ".join(sentence for sentence in found.said if "split was made from train" not in sentence)
        lines.append(
            f"| {untidy.what} | {'refused' if found.refused else 'yes'} | {said.replace('|', chr(92) + '|')} |"
        )
    return "\n".join(lines)


def between_marks(text: str) -> str:
    """The table of a document."""
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def replaced(text: str, table: str) -> str:
    """A document with another table."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"
