"""HTML pages, filled into templates that lie beside the code that fills them (`*.html.j2`)."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from workbench.texts import plain


def fill(template: Path, **values: Any) -> str:
    """A page. Values are escaped and lose control characters; none may be missing.

    Args:
        template: The file. The filter `base64` encodes bytes for a `data:` address.
        values: Its variables.

    Raises:
        jinja2.UndefinedError: The template names a variable that is not given.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def harmless(value: object) -> object:
        return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    pages = Environment(
        loader=FileSystemLoader(template.parent), autoescape=True, undefined=StrictUndefined, finalize=harmless,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    pages.filters["base64"] = lambda data: Markup(b64encode(data).decode())  # noqa: S704 - letters, digits, + and /
    return pages.get_template(template.name).render(**values)
