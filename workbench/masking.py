"""Mask passwords and tokens in all output of the process: terminal, tags, reports, pages, errors."""

import os
import re
from urllib.parse import unquote, urlsplit

MASK = "***"
_SHORTEST = 6
"""Shorter values of the environment are not masked: they occur in ordinary words."""
_SECRETS = re.compile(
    r"(^|_)(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY)($|_(?!PATH$|FILE$|DIR$))", re.IGNORECASE
)
_IN_AUTHORITY = re.compile(r"(?P<before>[A-Za-z][\w+.-]*://[^\s/@:'\"]*:)[^\s/'\"]+(?=@)")
_TOKEN_IN_AUTHORITY = re.compile(r"(?P<before>https?://)[^\s/@:'\"]+(?=@)")
_IN_QUERY = re.compile(
    r"(?P<before>[?&;](?:[\w.-]*(?:password|passwd|pwd|secret|token|api_?key|signature|credential)[\w.-]*)=)[^\s&;'\"]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """The text with its secrets masked.

    Passwords and tokens inside URIs (before `@`, and in queries such as `?token=`) become `***`, as do the values of
    environment variables whose name is that of a secret (`MLFLOW_TRACKING_PASSWORD`, `HF_TOKEN`, ...) and the
    password of `MLFLOW_TRACKING_URI`, wherever they stand.
    """
    for value in _environment_secrets():
        text = text.replace(value, MASK)
    for pattern in (_IN_AUTHORITY, _TOKEN_IN_AUTHORITY, _IN_QUERY):
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text


def _environment_secrets() -> list[str]:
    """Secret values from the environment, the longest first: one may begin with another."""
    secrets = {value for name, value in os.environ.items() if _SECRETS.search(name)}
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "WORKBENCH_TRACKING_URI"):
        try:
            password = urlsplit(os.environ.get(name, "")).password
        except ValueError:  # Not a URI; the patterns still apply to it.
            continue
        if password:
            secrets |= {password, unquote(password)}
    return sorted(
        (value for value in secrets if len(value) >= _SHORTEST and not value.isdigit()), key=len, reverse=True
    )
