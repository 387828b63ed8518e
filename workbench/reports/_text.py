"""Escape names, labels and error messages, which come from data, for each format."""

from workbench.texts import markdown, plain, spreadsheet

__all__ = ["latex", "markdown", "plain", "spreadsheet"]

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    # At the beginning of a row it would be an argument of the line break before it.
    "[": "{[}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


def latex(text: str) -> str:
    """Text that LaTeX shows as it is."""
    return "".join(_LATEX.get(character, character) for character in plain(text))
