"""Pages are filled with what comes from the data, none of which is markup."""

import pytest

from workbench.pages import fill


def page(folder, text, **values):
    (folder / "page.html.j2").write_text(text, encoding="utf-8")
    return fill(folder / "page.html.j2", **values)


def test_what_comes_from_the_data_is_escaped_and_one_harmless_line(tmp_path):
    found = page(tmp_path, '<p title="{{ name }}">{{ name }}</p>', name='<b>&"\x1b[1m\nx')
    assert found == '<p title="&lt;b&gt;&amp;&#34; [1m x">&lt;b&gt;&amp;&#34; [1m x</p>'


def test_bytes_become_what_an_address_holds(tmp_path):
    assert page(tmp_path, "{{ data | base64 }}", data=b"\xff\xfe<") == "//48"


def test_a_forgotten_value_is_an_error_and_no_gap(tmp_path):
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError, match="name"):
        page(tmp_path, "{{ name }}")
