"""A provider that misbehaves in any way, a thousand times over, never changes a stored price."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from stocks.gate import Gate
from stocks.models import Quote
from stocks.providers.errors import ProviderError
from stocks.providers.protocol import HasQuotes, Update
from stocks.quotes import write_quotes
from stocks.tests.factories import StockFactory
from stocks.tests.provider_cases import CASES, Case, Opened
from stocks.tests.standin import FAILURES, Answer, Request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

SEED = 20_260_303
ROUNDS = 1_000
WITH_UPSTREAM = [case for case in CASES if case.name != "sandbox" and hasattr(case.kind, "quotes")]
# Those that hold a connection until the deadline cost seconds each; the contract test has them.
QUICK = {name: answer for name, (answer, _) in FAILURES.items() if name != "drop by drop"}

Change = Callable[[random.Random, Any], Any]

#: What a number of a good reply is replaced by. Raw texts stand for what JSON itself cannot say.
NUMBERS: dict[str, Change] = {
    "NaN": lambda chance, value: float("nan"),
    "Infinity": lambda chance, value: float("inf"),
    "minus infinity": lambda chance, value: float("-inf"),
    "null": lambda chance, value: None,
    "nothing": lambda chance, value: "",
    "a dash": lambda chance, value: "-",
    "a word": lambda chance, value: "oops",
    "zero": lambda chance, value: 0,
    "zero as text": lambda chance, value: "0",
    "negative": lambda chance, value: _times(value, -1),
    "a hundredfold": lambda chance, value: _times(value, 100),
    "a hundredth": lambda chance, value: _times(value, 0.01),
    "tenfold": lambda chance, value: _times(value, 10),
    "too large": lambda chance, value: 10**40,
    "a list": lambda chance, value: [value],
    "an object": lambda chance, value: {"raw": value},
    "true": lambda chance, value: True,
}


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, str):
        try:
            return str(float(value) * factor)
        except ValueError:
            return value
    return value * factor


def _numbers(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a reply that is a number or reads as one."""
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for name, value in items:
            yield from _numbers(value, (*path, name))
    elif (isinstance(tree, int | float) and not isinstance(tree, bool)) or (
        isinstance(tree, str) and tree.replace(".", "", 1).lstrip("-").isdigit()
    ):
        yield path


def _texts(tree: Any, text: str, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths at which a text stands."""
    if isinstance(tree, dict | list):
        for name, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _texts(value, text, (*path, name))
    elif tree == text:
        yield path


def _put(tree: Any, path: tuple[Any, ...], value: Any) -> None:
    for name in path[:-1]:
        tree = tree[name]
    tree[path[-1]] = value


def _get(tree: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        tree = tree[name]
    return tree


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and 10**9 <= value < 10**14


def _spoil(chance: random.Random, answer: Answer) -> Answer:
    """A good reply with one or a few things wrong."""
    try:
        tree = json.loads(answer.body)
    except ValueError:
        return Answer(answer.body[: len(answer.body) // 2], answer.status, answer.headers)
    kind = chance.choice(
        ["number", "number", "number", "several", "time", "symbol", "missing", "cut", "twice"]
    )
    paths = [path for path in _numbers(tree) if not _is_time(_get(tree, path))]
    times = [path for path in _numbers(tree) if _is_time(_get(tree, path))]
    if kind == "number" and paths:
        _worse(chance, tree, chance.choice(paths))
    elif kind == "several" and paths:
        for path in chance.sample(paths, min(len(paths), 4)):
            _worse(chance, tree, path)
    elif kind == "time" and times:
        # A wrong price with a time that lies in the past, in the far future, or is in another unit.
        wrong = chance.choice([lambda at: at - 86_400 * 9, lambda at: at * 1000, lambda at: at + 10**8])
        for path in times:
            _put(tree, path, wrong(_get(tree, path)))
        for path in paths:
            _put(tree, path, _times(_get(tree, path), 1.1))
    elif kind == "symbol":
        for name in {str(_get(tree, path)) for path in _all_texts(tree)}:
            if 2 <= len(name) <= 12 and name.replace(".", "").isalnum() and name.upper() == name:
                for path in _texts(tree, name):
                    _put(tree, path, "OTHER")
        for path in paths:
            _put(tree, path, _times(_get(tree, path), 1.1))
        if not list(_texts(tree, "OTHER")):
            return QUICK["JSON of another shape"]
    elif kind == "missing" and paths:
        path = chance.choice(paths)
        parent = _get(tree, path[:-1])
        if isinstance(parent, dict):
            del parent[path[-1]]
    elif kind == "cut":
        return replace(answer, body=answer.body[: chance.randrange(len(answer.body))])
    elif kind == "twice":
        return replace(answer, body=answer.body + answer.body)
    return replace(answer, body=json.dumps(tree).encode())


def _all_texts(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(tree, dict | list):
        for name, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _all_texts(value, (*path, name))
    elif isinstance(tree, str):
        yield path


def _worse(chance: random.Random, tree: Any, path: tuple[Any, ...]) -> None:
    change = chance.choice(list(NUMBERS.values()))
    _put(tree, path, change(chance, _get(tree, path)))


class _Upstream:
    """The case's own stand-in, spoilt by chance."""

    def __init__(self, case: Case, opened: Opened, chance: random.Random) -> None:
        assert opened.upstream is not None
        self._good = opened.upstream.answer
        self._chance = chance
        self._failures = [*QUICK.values(), *(failure.answer for failure in case.failures.values())]

    def __call__(self, request: Request) -> Answer:
        roll = self._chance.random()
        if roll < 0.2:
            return self._chance.choice(self._failures)
        if roll < 0.9:
            return _spoil(self._chance, self._good(request))
        return self._good(request)


@pytest.mark.parametrize("case", WITH_UPSTREAM, ids=lambda case: case.name)
def test_no_reply_changes_a_stored_price_for_the_worse(case):
    chance = random.Random(f"{SEED} {case.name}")
    rounds = ROUNDS // len(WITH_UPSTREAM) + 1
    key = case.keys[0]
    StockFactory(code=key.code, currency=key.currency)
    with case.open() as opened:
        provider = cast(HasQuotes, opened.provider)
        (truth,) = provider.quotes([key])
        write_quotes([truth])
        door, upstream = Gate(), opened.upstream
        assert upstream is not None
        upstream.answer = _Upstream(case, opened, chance)
        outcomes: dict[str, int] = {}
        for _ in range(rounds):
            try:
                ticks = tuple(provider.quotes([key]))
                outcome = "ticks" if ticks else "left out"
            except ProviderError as error:
                ticks, outcome = (), str(error.outcome)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            believed = door.admit(Update(ticks=ticks), now=case.now + timedelta(seconds=1))
            write_quotes(believed.ticks)
            stored = Quote.objects.get(stock__code=key.code)
            assert stored.price == truth.price, (SEED, outcomes)
            assert stored.source == provider.name
    # It was really put to the test: good replies came through, and bad ones of several kinds were told apart.
    assert outcomes["ticks"] > 0
    assert len(outcomes) >= 3
