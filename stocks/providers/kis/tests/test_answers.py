from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from stocks.providers.errors import (
    AuthFailed,
    BadRequest,
    Malformed,
    NotFound,
    ProviderError,
    RateLimited,
    Upstream,
)
from stocks.providers.http import Reply
from stocks.providers.kis.parse.answers import TokenRefused, issued_approval, issued_token, market_data

# 2023-12-21 08:16:59 in Seoul, a day before the token of the documentation ends.
NOW = datetime(2023, 12, 20, 23, 16, 59, tzinfo=UTC)
TOKEN = {
    "access_token": "eyJ0eXAiOiJKV1Qi.abc",
    "access_token_token_expired": "2023-12-22 08:16:59",
    "token_type": "Bearer",
    "expires_in": 86400,
}


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, {}, body if isinstance(body, bytes) else orjson.dumps(body))


def refused(body: object, status: int = 200) -> ProviderError:
    with pytest.raises(ProviderError) as error:
        market_data(reply(body, status), lambda text: text.replace("hidden", "[secret]"))
    return error.value


def test_success_is_the_body():
    body = {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다.", "output": {"a": "1"}}
    assert market_data(reply(body), str) == body


@pytest.mark.parametrize("status", [200, 400, 403, 500])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("EGW00201", RateLimited),
        ("EGW00133", RateLimited),
        ("EGW00121", TokenRefused),
        ("EGW00123", TokenRefused),
        ("EGW00003", AuthFailed),
        ("EGW00103", AuthFailed),
        ("EGW00105", AuthFailed),
        ("EGW00206", AuthFailed),
        ("EGW00101", BadRequest),
        ("EGW00132", BadRequest),
        ("EGW00205", BadRequest),
        ("OPSQ2001", BadRequest),
        ("OPSQ9999", BadRequest),
        ("MCA05918", NotFound),
        ("EGW00001", Upstream),
        ("EGW00202", Upstream),
        ("OPSQ0011", Upstream),
        ("never seen", Upstream),
    ],
)
def test_the_code_decides_at_any_status(code, error, status):
    got = refused({"rt_cd": "1", "msg_cd": code, "msg1": "말"}, status)
    assert type(got) is error
    assert got.message == f"kis: {code} 말"


@pytest.mark.parametrize("rt_cd", ["1", "7", "9", "", None, 0, "00"])
def test_only_rt_cd_0_is_success(rt_cd):
    assert isinstance(refused({"rt_cd": rt_cd, "msg_cd": "MCA00000", "output": {}}), Upstream)


@pytest.mark.parametrize(("code", "seconds"), [("EGW00201", 1), ("EGW00133", 60)])
def test_a_limit_says_how_long_to_wait(code, seconds):
    error = refused({"rt_cd": "1", "msg_cd": code})
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, Malformed),
        (204, Upstream),
        (400, BadRequest),
        (401, AuthFailed),
        (403, AuthFailed),
        (404, BadRequest),
        (500, Upstream),
        (503, Upstream),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"a": 1}', b"[]"])
def test_without_a_code_the_status_decides(body, status, error):
    assert type(refused(body, status)) is error


def test_the_words_of_the_provider_are_redacted_before_they_are_cut():
    error = refused({"rt_cd": "1", "msg_cd": "ZZZ", "msg1": "x" * 190 + " hidden " + "y" * 50})
    assert "hid" not in error.message
    assert len(error.message) <= 205


def test_a_token_is_good_for_as_long_as_it_says():
    assert issued_token(reply(TOKEN), str, NOW).seconds == 86_400
    assert issued_token(reply(TOKEN), str, NOW).value == TOKEN["access_token"]


def test_a_token_that_is_given_out_again_is_good_until_it_ends():
    five_hours_later = NOW + timedelta(hours=5)
    assert issued_token(reply(TOKEN), str, five_hours_later).seconds == 19 * 3600


def test_either_span_of_a_token_is_enough():
    both = ("expires_in", "access_token_token_expired")
    for left_out in both:
        body = {name: value for name, value in TOKEN.items() if name != left_out}
        assert issued_token(reply(body), str, NOW).seconds == 86_400
    with pytest.raises(Malformed):
        issued_token(reply({name: value for name, value in TOKEN.items() if name not in both}), str, NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": "soon"},
        {"access_token_token_expired": "2023-12-20 08:16:59"},
        {"access_token_token_expired": "tomorrow"},
        {"access_token": ""},
        {"access_token": None},
        {"access_token": 7},
        {"access_token": "a b"},
        {"access_token": "a\r\nappkey: b"},
        {"access_token": "토큰"},
        {"access_token": "x" * 5000},
    ],
)
def test_a_token_that_cannot_be_used_is_refused(fields):
    with pytest.raises(Malformed):
        issued_token(reply(TOKEN | fields), str, NOW)


def test_a_token_that_is_refused_raises_what_its_code_means():
    with pytest.raises(RateLimited) as error:
        issued_token(reply({"error_code": "EGW00133", "error_description": "1분당 1회"}, 403), str, NOW)
    assert error.value.retry_after == 60
    with pytest.raises(AuthFailed):
        issued_token(reply({"error_code": "EGW00103", "error_description": "…"}, 403), str, NOW)


def test_an_approval_key_is_read():
    issued = issued_approval(reply({"approval_key": "a-b-c"}), str)
    assert issued.value == "a-b-c"
    assert "a-b-c" not in repr(issued)
    for body in ({"approval_key": ""}, {"approval_key": None}, {}):
        with pytest.raises(Malformed):
            issued_approval(reply(body), str)
