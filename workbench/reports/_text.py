"""Names, labels and error messages come from data: each format gets them harmless."""

import re

_CONTROL = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+\s*")
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


def plain(text: str) -> str:
    """One line without control characters, terminal escapes included."""
    return _CONTROL.sub(" ", text).strip()


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, also in a table."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def latex(text: str) -> str:
    """Text that LaTeX shows as it is."""
    return "".join(_LATEX.get(character, character) for character in plain(text))


def spreadsheet(text: str) -> str:
    """Text that a spreadsheet does not run as a formula."""
    line = plain(text)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line
