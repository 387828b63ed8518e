"""A view is in its page's address, and nowhere else: in ids, so that links last, and so that the back button works.

Streamlit's own binding of widgets to the address writes the texts of options, leaves nothing to go back to, and opens
the first option where the address names one that is not there.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from dashboards.text import escaped

T = TypeVar("T")
KEPT = ("dataset", "suite", "model", "metric")
"""What goes along to another page."""
PAGES = "pages of the app"
"""Where a session keeps Streamlit's pages by name."""
_SHORTEST = 4
"""Characters of an id that may stand for it, if no other one begins so."""


def kept() -> dict[str, str]:
    """The part of the address that goes along to another page."""
    return {key: st.query_params[key] for key in KEPT if key in st.query_params}


def choose(
    label: str,
    options: Sequence[T],
    *,
    key: str,
    ident: Callable[[T], str] = str,
    show: Callable[[T], str] = str,
    default: T | None = None,
    drops: Sequence[str] = (),
    place: Any = st,
) -> T:
    """One of the options, as the address says; where it says one that is not there, that is told.

    Args:
        label: Heading of the choice.
        options: At least one.
        key: Its name in the address.
        ident: How the address calls an option.
        show: How the page calls it.
        default: Where the address says nothing; None takes the first.
        drops: Keys of the address that mean nothing under another option.
        place: A part of the page.
    """
    by_id = {ident(option): option for option in options}
    asked = st.query_params.get(key)
    found = None if asked is None else _found(asked, by_id)
    fallback = next(iter(by_id)) if default is None else ident(default)
    st.session_state[key] = fallback if found is None else found
    chosen = place.selectbox(
        label, list(by_id), key=key, format_func=lambda name: show(by_id[name]), on_change=partial(_write, key, drops)
    )
    if asked is not None and found is None:
        _say_unknown(label, asked, f"this is {show(by_id[fallback])}")
    return by_id[chosen]


def choose_some(
    label: str,
    options: Sequence[T],
    *,
    key: str,
    ident: Callable[[T], str] = str,
    show: Callable[[T], str] = str,
    drops: Sequence[str] = (),
    place: Any = st,
) -> list[T]:
    """Any number of the options; none means no restriction. See `choose`."""
    by_id = {ident(option): option for option in options}
    found = {asked: _found(asked, by_id) for asked in st.query_params.get_all(key)}
    st.session_state[key] = list(dict.fromkeys(name for name in found.values() if name is not None))
    chosen = place.multiselect(
        label, list(by_id), key=key, format_func=lambda name: show(by_id[name]), on_change=partial(_write, key, drops)
    )
    for asked, name in found.items():
        if name is None:
            _say_unknown(label, asked, "it is left out")
    return [by_id[name] for name in chosen]


def choose_page(pages: int, *, key: str = "page", place: Any = st) -> int:
    """A page from 1 to `pages`; no widget for a single one."""
    if pages < 2:
        return 1
    asked = st.query_params.get(key, "1")
    st.session_state[key] = min(max(1, int(asked)), pages) if asked.isdecimal() and len(asked) < 10 else 1
    chosen: int = place.number_input(f"page of {pages}", 1, pages, key=key, on_change=partial(_write, key))
    return chosen


def ask_text(label: str, *, key: str, drops: Sequence[str] = (), place: Any = st, **options: Any) -> str:
    """A line of text."""
    st.session_state[key] = st.query_params.get(key, "")
    line: str = place.text_input(label, key=key, on_change=partial(_write, key, drops), **options)
    return line


def ask_toggle(label: str, *, key: str, place: Any = st) -> bool:
    """A switch."""
    st.session_state[key] = st.query_params.get(key) == "true"
    on: bool = place.toggle(label, key=key, on_change=partial(_write, key))
    return on


def link(label: str, page: str, place: Any = st, **query: str | list[str]) -> None:
    """A link to a view of another page.

    Args:
        label: Its text, as data.
        page: Name of the page.
        place: A part of the page.
        query: The view.
    """
    pages = st.session_state.get(PAGES, {})
    if page in pages:
        place.page_link(pages[page], label=escaped(label), query_params=query)
    else:  # A page that is run alone knows no others.
        place.markdown(f"[{escaped(label)}]({page}?{urlencode(query, doseq=True)})")


def go_to(**values: str) -> None:
    """Write into the address, in a callback: the page's widgets follow."""
    for key, value in values.items():
        if value:
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)


def _write(key: str, drops: Sequence[str] = ()) -> None:
    """Write a widget's value into the address."""
    value = st.session_state[key]
    with_value = st.query_params.to_dict() | {name: st.query_params.get_all(name) for name in st.query_params}
    for name in (key, *drops):
        with_value.pop(name, None)
    if value not in ("", [], False):
        with_value[key] = str(value).lower() if value is True else value if isinstance(value, list) else str(value)
    # At once, so that one step back leads to the view before.
    st.query_params.from_dict(with_value)


def _found(asked: str, by_id: Mapping[str, Any]) -> str | None:
    """The id that was asked for, or the only one that begins so."""
    if asked in by_id:
        return asked
    begun = [name for name in by_id if name.startswith(asked)] if len(asked) >= _SHORTEST else []
    return begun[0] if len(begun) == 1 else None


def _say_unknown(label: str, asked: str, instead: str) -> None:
    st.warning(f"The address asks for the {escaped(label)} {escaped(asked)}, which is not here; {escaped(instead)}.")
