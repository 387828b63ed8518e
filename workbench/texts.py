"""Escape text from data for display: names, labels and reasons may hold any character."""

import re

_HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_CONTROL = re.compile(rf"\s*[{_HIDDEN}]+\s*")
# Tabulators and line ends lay a text out.
_CONTROL_WITHIN_LINES = re.compile(rf"(?![\t\n])[{_HIDDEN}]+")
# JSON writes the ones below 0x20 as escapes by itself.
_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_SHOWN = 400
# An underscore within a word is no emphasis.
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w))")


def plain(text: str) -> str:
    """One line without control characters, terminal escapes and marks that turn the writing direction included."""
    return _CONTROL.sub(" ", text).strip()


def harmless(text: str) -> str:
    """Lines as they are, without any other control character."""
    return _CONTROL_WITHIN_LINES.sub(" ", text)


def json_text(text: str) -> str:
    """Equivalent JSON with every control character, and half of a surrogate pair, as an escape."""
    return _CONTROL_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def shown(text: str, most: int = _SHOWN) -> str:
    """A value for a message: one line, and the middle left out where it is long."""
    line = plain(text)
    if len(line) <= most:
        return line
    return f"{line[: most // 2]} [...{len(line):,} characters...] {line[-most // 4 :]}"


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, also in a table."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def spreadsheet(text: str) -> str:
    """One line that a spreadsheet does not run as a formula: such a line gets an apostrophe."""
    line = plain(text)
    return f"'{line}" if line.startswith(_FORMULA) else line
