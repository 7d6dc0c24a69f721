from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from realtime.script_call import ScriptCall
from realtime.tests.servers import OwnValkey

COUNT = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


@pytest.fixture
def valkey(tmp_path):
    valkey = OwnValkey(tmp_path)
    valkey.start()
    yield valkey
    valkey.close()


def call(valkey: OwnValkey, source: str = COUNT) -> ScriptCall:
    return ScriptCall(redis.Redis.from_url(valkey.url, socket_timeout=5), source)


def test_the_reply_is_that_of_the_call_that_was_sent(valkey):
    counted = call(valkey)
    for expected in (2, 4):
        counted.send(["n"], [2])
        assert counted.wait() == expected


def test_other_commands_go_on_while_redis_works(valkey):
    counted = call(valkey)
    counted.send(["n"], [1])
    valkey.client.set("other", 1)
    assert counted.wait() == 1


def test_a_server_that_forgot_the_script_is_told_it_again(valkey):
    counted = call(valkey)
    counted.send(["n"], [1])
    counted.wait()
    valkey.client.script_flush()
    counted.send(["n"], [1])
    assert counted.wait() == 2


def test_a_server_that_forgets_scripts_all_the_time_runs_them_all_the_same(valkey):
    counted = call(valkey)
    done = threading.Event()

    def forget() -> None:
        with redis.Redis.from_url(valkey.url, socket_timeout=5) as client:
            while not done.is_set():
                client.script_flush()

    with ThreadPoolExecutor(1) as pool:
        forgetting = pool.submit(forget)
        try:
            for expected in range(1, 501):
                counted.send(["n"], [1])
                assert counted.wait() == expected
        finally:
            done.set()
        forgetting.result()


def test_a_broken_connection_is_made_anew(valkey):
    counted = call(valkey)
    counted.send(["n"], [1])
    counted.wait()
    valkey.client.client_kill_filter(_type="normal", skipme=True)
    counted.send(["n"], [1])
    assert counted.wait() == 2


def test_a_connection_that_breaks_before_the_reply_is_made_anew_and_the_script_runs_again(valkey):
    counted = call(valkey)
    counted.send(["n"], [1])
    counted.wait()
    counted.send(["n"], [1])
    valkey.client.client_kill_filter(_type="normal", skipme=True)
    # It may have been run before the connection broke.
    assert counted.wait() in (2, 3)


def test_a_server_that_is_away_is_an_error_of_the_wait_and_the_next_call_finds_it_again(valkey):
    counted = call(valkey)
    counted.send(["n"], [1])
    counted.wait()
    valkey.kill()
    counted.send(["n"], [1])
    with pytest.raises(redis.ConnectionError):
        counted.wait()
    valkey.start()
    counted.send(["n"], [1])
    assert counted.wait() == 1


def test_what_the_script_refuses_is_raised_and_the_connection_serves_on(valkey):
    counted = call(valkey)
    valkey.client.lpush("list", 1)
    counted.send(["list"], [1])
    with pytest.raises(redis.ResponseError):
        counted.wait()
    counted.send(["n"], [1])
    assert counted.wait() == 1


def test_a_reply_that_nobody_waits_for_is_never_that_of_another_call(valkey):
    counted = call(valkey)
    before = valkey.client.info("clients")["connected_clients"]
    for _ in range(20):
        counted.send(["n"], [1])
        counted.leave()
    counted.leave()
    counted.send(["other"], [5])
    assert counted.wait() == 5
    assert valkey.client.info("clients")["connected_clients"] <= before + 2
