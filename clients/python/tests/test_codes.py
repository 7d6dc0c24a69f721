from __future__ import annotations

import pytest

from realtime.protocol import codes
from stockroom_client.codes import UNAUTHORIZED, may_reconnect, may_retry_status


@pytest.mark.parametrize("code", [code for code in codes.TABLE if code.closes], ids=lambda code: code.name)
def test_the_client_comes_back_exactly_where_the_servers_table_says_so(code: codes.Code) -> None:
    assert may_reconnect(code.number) is code.reconnect


def test_a_token_is_asked_for_anew_at_the_code_that_the_server_means() -> None:
    assert codes.UNAUTHORIZED.number == UNAUTHORIZED


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 4000, 4008])
def test_a_connection_that_was_lost_or_ended_in_peace_is_begun_again(code: int) -> None:
    assert may_reconnect(code)


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1010, 4450, 4499])
def test_a_client_that_is_at_fault_does_not_come_back(code: int) -> None:
    assert not may_reconnect(code)


@pytest.mark.parametrize(
    ("status", "again"), [(401, False), (403, False), (404, False), (429, True), (500, True), (503, True)]
)
def test_a_refused_handshake_is_judged_as_http_does(status: int, again: bool) -> None:
    assert may_retry_status(status) is again
