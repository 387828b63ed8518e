"""Escape names, labels and error messages, which come from data, for each format."""

import re

from workbench.texts import plain, spreadsheet

__all__ = ["latex", "markdown", "plain", "spreadsheet"]

# An underscore within a word is no emphasis.
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w))")
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


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, also in a table."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def latex(text: str) -> str:
    """Text that LaTeX shows as it is."""
    return "".join(_LATEX.get(character, character) for character in plain(text))
