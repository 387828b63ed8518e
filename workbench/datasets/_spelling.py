"""How names of datasets are spelt."""

import unicodedata


def spelt_as_name(text: str) -> str:
    """The nearest dataset name: letters of any script, lower case, digits, `.`, `_`, `-`; empty if nothing is left.

    Composed (NFC), since one system writes a folder's name composed and another decomposed.
    """
    lower = unicodedata.normalize("NFC", text).lower()
    # Marks belong to the letters of many scripts.
    kept = "".join(c if c in "._-" or unicodedata.category(c)[0] in "LNM" else " " for c in lower)
    return "-".join(kept.split()).strip("-._")
