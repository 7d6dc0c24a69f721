"""Texts and addresses of strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.texts import address_digest, plain_text, web_address


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("Apple &amp; Google", "Apple & Google"),
        ("<b>Apple</b> rises", "Apple rises"),
        ("&lt;script&gt;alert(1)&lt;/script&gt; up", "alert(1) up"),
        ("&amp;lt;img src=x onerror=y&amp;gt; up", "up"),
        ("P < Q and R > S", "P < Q and R > S"),
        ("a\x00b\x1b[31m\r\nc\u2028d", "a b [31m c d"),
        ("half \ud800 a pair", "half a pair"),
        ("  many   spaces ", "many spaces"),
        ("삼성전자".encode().decode(), "삼성전자"),
        ("", ""),
    ],
)
def test_a_text_is_one_plain_line(given_text, kept):
    assert plain_text(given_text, 100) == kept


def test_a_long_text_is_cut():
    assert plain_text("word " * 50, 9) == "word word"


@given(st.text(max_size=200))
def test_any_text_can_be_stored(text):
    kept = plain_text(text, 50)
    assert len(kept) <= 50
    kept.encode()
    assert "\x00" not in kept
    assert plain_text(kept, 50) == kept or "&" in kept or "<" in kept


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("HTTPS://News.Example.com/A?x=1#top", "https://news.example.com/A?x=1"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com", "http://example.com/"),
        ("https://example.com/a?utm_source=x&id=7&UTM_medium=y&fbclid=z", "https://example.com/a?id=7"),
        ("https://finance.example.com/n.html?.tsrc=rss", "https://finance.example.com/n.html"),
        (" https://example.com/a ", "https://example.com/a"),
        ("https://example.com/a?q=%20b+c", "https://example.com/a?q=%20b+c"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
    ],
)
def test_two_spellings_of_an_address_are_one(first, second):
    assert web_address(first, 2000) == web_address(second, 2000) == second
    assert address_digest(web_address(first, 2000)) == address_digest(second)


def test_what_tells_pages_apart_stays():
    addresses = (
        "https://a.com/x?id=1",
        "https://a.com/x?id=2",
        "http://a.com/x?id=1",
        "https://a.com/X?id=1",
    )
    assert len({address_digest(web_address(one, 2000)) for one in addresses}) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.com/a",
        "//example.com/a",
        "https://",
        "https:///a",
        "https://user:secret@example.com/a",
        "https://exa mple.com/a",
        "https://example.com\\@evil.com/",
        "https://example.com/\x00",
        "https://example.com/a\nb",
        "https://[::1/a",
        "https://example.com:99999/",
        "https://example.com/" + "a" * 2000,
    ],
)
def test_what_is_no_address_of_the_web_is_none(text):
    assert web_address(text, 2000) == ""


@given(st.text(max_size=60))
def test_no_text_breaks_it_and_an_address_stays_itself(text):
    for address in (web_address(text, 100), web_address(f"https://{text}", 100)):
        assert address == "" or (address.startswith(("http://", "https://")) and len(address) <= 100)
        assert web_address(address, 100) == address
