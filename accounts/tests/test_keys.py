"""The text of API keys."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import InvalidApiKey
from accounts.keys import api_key_digest, api_key_generate, api_key_prefix

FORM = re.compile(r"sk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}")


def test_it_works():
    key = api_key_generate()
    assert FORM.fullmatch(key)
    assert api_key_prefix(key) == key[:15]
    assert len(api_key_digest(key)) == 32


def test_no_two_keys_are_alike():
    keys = {api_key_generate() for _ in range(1000)}
    assert len(keys) == len({api_key_prefix(key) for key in keys}) == 1000


def test_the_checksum_is_the_crc_of_everything_before_it():
    # CRC-32 of the body by another implementation (zlib of the command line tool `crc32`, ISO 3309).
    body = "sk_abcdefghij01_" + "A" * 43
    assert api_key_prefix(f"{body}_{_crc32(body.encode()):08x}") == "sk_abcdefghij01"


def _crc32(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def test_no_single_mistyped_character_passes():
    key = api_key_generate()
    for place, right in enumerate(key):
        for other in set("abcXYZ019_-") - {right}:
            with pytest.raises(InvalidApiKey):
                api_key_prefix(key[:place] + other + key[place + 1 :])


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidApiKey):
        api_key_prefix(text)


@pytest.mark.parametrize(
    "change", [lambda k: k + "\n", lambda k: " " + k, str.upper, lambda k: k + k, lambda k: k[:-1]]
)
def test_the_form_is_exact(change):
    with pytest.raises(InvalidApiKey):
        api_key_prefix(change(api_key_generate()))


def test_the_digest_depends_on_the_pepper(settings):
    key = api_key_generate()
    before = api_key_digest(key)
    settings.API_KEY_PEPPER = "another pepper"
    assert api_key_digest(key) != before
