"""Orders under duplicate pays and notices, workers that are killed and a Redis that is emptied.

Every order is charged and fulfilled once, and none is lost: the gateway counts what it takes, and what must
be there is worked out from what was ordered. `STOCKROOM_ORDERS` says how many (60 where it says nothing),
`STOCKROOM_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import redis
import requests
from django.db import connection

from accounts.billing import stream
from accounts.billing.models import GatewayEvent, Order, OrderEvent, Payment, Product, Subscription
from accounts.billing.tests.standin import SECRET_KEY, WEBHOOK_SECRET, StripeStandIn, signed
from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory

if TYPE_CHECKING:
    from config.testing import LiveStack

ORDERS = min(int(os.environ.get("STOCKROOM_ORDERS", "60")), 5_000)
SEED = int(os.environ.get("STOCKROOM_SEED") or random.randrange(10**6))
CLIENTS, PAYS_EACH, NOTICES_EACH = 8, 4, 3
EACH_OF_A_USER = 20
# On a machine that does much else.
SECONDS = 120
# Where a worker dies by itself: with a payment claimed, charged and not noted, noted, told and not noted.
POINTS = ("after_read", "mid_transaction", "after_commit", "after_publish")
# What becomes of a charge, and how many of a hundred.
TOKENS = {"pm_ok": 60, "pm_wait": 20, "pm_lost": 10, "pm_broken": 5, "pm_declined": 5}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400 + 3 * ORDERS)]


@pytest.fixture
def gateway() -> Any:
    with StripeStandIn() as server:
        server.delay = 0.01
        yield server


@pytest.fixture
def stack(gateway, monkeypatch, request) -> LiveStack:
    """Web and workers that know the stand-in alone, and take over what is left after three seconds."""
    environment = {
        "PAYMENT_GATEWAYS": "stripe",
        "STRIPE_URL": gateway.url,
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PAYMENT_CLAIM_SECONDS": "3",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    live: LiveStack = request.getfixturevalue("live_stack")
    return live


class Workers:
    """Two payment workers at a time; they end with the thread that started them, which is the test's own."""

    def __init__(self, stack: LiveStack, chance: random.Random) -> None:
        self._stack = stack
        self._chance = chance
        self._all: list[Any] = []

    @property
    def deaths(self) -> int:
        return len(self._all) - len(self._living())

    def fill(self, *, mortal: bool) -> None:
        """Start what is missing; mortal ones die by themselves after a while."""
        while len(self._living()) < 2:
            point = f"{self._chance.choice(POINTS)}:{self._chance.randrange(1, 12)}" if mortal else ""
            self._all.append(self._stack.manage("process_payments", FAIL_AT=point))

    def kill_one(self) -> None:
        """One that has begun to work."""
        if begun := [one for one in self._living() if "processing payments" in self._stack.output(one)]:
            self._stack.kill(self._chance.choice(begun))

    def said(self) -> str:
        return "\n".join(f"--- {one.pid}\n{self._stack.output(one)}" for one in self._all)[-20_000:]

    def _living(self) -> list[Any]:
        return [one for one in self._all if one.poll() is None]


class Client:
    """What one user's program does: orders, pays again and again, and the gateway that tells it twice."""

    def __init__(self, url: str, user: User) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {session_start(user=user).access_token}"}

    def order(self, product: str, key: str) -> str:
        replies = [self._post("orders", {"products": [product]}, key) for _ in range(2)]
        assert {reply.status_code for reply in replies} == {201}, replies[0].text
        (order_id,) = {reply.json()["id"] for reply in replies}
        return str(order_id)

    def pay(self, order_id: str, token: str, key: str) -> int:
        body = {"gateway": "stripe", "token": token}
        return self._post(f"orders/{order_id}/pay", body, key).status_code

    def _post(self, path: str, body: Any, key: str) -> requests.Response:
        headers = {**self._headers, **({"Idempotency-Key": key} if key else {})}
        return patient(
            lambda: requests.post(f"{self._url}/v1/{path}", json=body, headers=headers, timeout=SECONDS)
        )


def patient(post: Callable[[], requests.Response]) -> requests.Response:
    """Ask again where a busy machine, or another request with the key, says so."""
    while True:
        reply = post()
        busy = reply.status_code == 503
        in_flight = reply.status_code == 409 and "IN_FLIGHT" in reply.text
        if not (busy or in_flight):
            return reply
        time.sleep(0.02)


def tell(stack: LiveStack, gateway: StripeStandIn, chance: random.Random, *, again: bool) -> int:
    """Tell of charges several times, in no order: of those that waited or, ``again``, of all; how many."""
    bodies = []
    for intent_id, intent in list(gateway.intents.items()):
        if intent["status"] == "processing":
            gateway.settle(intent_id)
        elif not again:
            continue
        if intent["status"] == "succeeded":
            body = gateway.event(intent_id, "payment_intent.succeeded", event_id=f"evt_{intent_id}")
            bodies += [body] * NOTICES_EACH
    chance.shuffle(bodies)

    def post(body: bytes) -> int:
        url = f"{stack.url}/v1/payments/webhook/stripe"
        reply = patient(lambda: requests.post(url, data=body, headers=signed(body), timeout=SECONDS))
        return reply.status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert set(pool.map(post, bodies)) <= {200}
    return len(bodies)


def wait(reached: Callable[[], bool], why: Callable[[], str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, why()
        time.sleep(0.2)


def open_orders() -> int:
    return Order.objects.filter(status__in=["pending", "paid"]).count()


def test_each_order_is_paid_and_fulfilled_once_whoever_is_killed(
    stack: LiveStack, gateway: StripeStandIn, redis_client: redis.Redis
):
    chance = random.Random(SEED)
    print(f"seed {SEED}, {ORDERS} orders")
    Product.objects.create(
        code="pro-day", name="Pro", kind="plan", tier="pro", period_days=1, price=2, currency="USD"
    )
    users = [UserFactory.create() for _ in range(-(-ORDERS // EACH_OF_A_USER))]
    clients = [Client(stack.url, user) for user in users]
    tokens = chance.choices(list(TOKENS), list(TOKENS.values()), k=ORDERS)
    workers = Workers(stack, chance)

    def buy(number: int) -> tuple[str, str, list[int]]:
        client = clients[number // EACH_OF_A_USER]
        order_id = client.order("pro-day", f"order {number}")
        keys = [f"pay {number}", f"pay {number}", "", f"again {number}"]
        with ThreadPoolExecutor(PAYS_EACH) as pool:
            codes = list(pool.map(lambda key: client.pay(order_id, tokens[number], key), keys))
        return order_id, tokens[number], codes

    def shop() -> tuple[list[tuple[str, str, list[int]]], int]:
        try:
            with ThreadPoolExecutor(CLIENTS) as pool:
                bought = list(pool.map(buy, range(ORDERS)))
            return bought, tell(stack, gateway, chance, again=True)
        finally:
            connection.close()

    began, emptied = time.monotonic(), 0
    with ThreadPoolExecutor(1) as beside:
        shopping = beside.submit(shop)
        # At the least, so that a small number of orders has trouble too.
        while not shopping.done() or workers.deaths < 3 or emptied < 2:
            assert time.monotonic() - began < 180 + 2 * ORDERS, workers.said()
            workers.fill(mortal=True)
            time.sleep(chance.uniform(0.5, 2.0))
            if chance.random() < 0.4:
                redis_client.flushdb()
                emptied += 1
            else:
                workers.kill_one()
        bought, told = shopping.result()

    def settled() -> bool:
        # Those that are left may still die by themselves.
        workers.fill(mortal=False)
        tell(stack, gateway, chance, again=False)
        return open_orders() == 0 and not OrderEvent.objects.filter(sent_at=None).exists()

    wait(settled, lambda: f"{open_orders()} orders are open\n{workers.said()}", 180 + 2 * ORDERS)
    seconds = time.monotonic() - began
    told += tell(stack, gateway, chance, again=True)
    print(
        f"{len(gateway.calls)} calls of the gateway, {told} notices; {workers.deaths} workers died,"
        f" Redis was emptied {emptied} times; {seconds:.0f} s"
    )

    # One pay of each was taken; those with its key have its reply.
    for _, _, codes in bought:
        counts = Counter(codes)
        assert counts[202] in (1, 2), codes
        assert counts[202] + counts[409] == PAYS_EACH, codes
    declined = {order_id for order_id, token, _ in bought if token == "pm_declined"}
    expected = {
        order_id: ("failed", "failed") if order_id in declined else ("fulfilled", "succeeded")
        for order_id, _, _ in bought
    }
    rows = Payment.objects.values_list("order_id", "order__status", "status", "pk")
    assert {str(order_id): (order, payment) for order_id, order, payment, _ in rows} == expected
    assert len(expected) == ORDERS == Order.objects.count() == Payment.objects.count()
    # The gateway took the money of each once, and of no declined one.
    paid = {str(pk) for order_id, _, _, pk in rows if str(order_id) not in declined}
    assert gateway.charged == dict.fromkeys(paid, 1)
    assert gateway.refunds == {}
    # Each was told once, and each notice taken once.
    for kind, count in (
        ("order.created", ORDERS),
        ("payment.requested", ORDERS),
        ("order.paid", ORDERS - len(declined)),
        ("order.fulfilled", ORDERS - len(declined)),
        ("order.failed", len(declined)),
    ):
        orders = OrderEvent.objects.filter(type=kind).values_list("order_id", flat=True)
        assert (len(orders), len(set(orders))) == (count, count), kind
    assert GatewayEvent.objects.count() == ORDERS - len(declined)
    # Every user has as many days as were paid for, one after the other.
    for at, user in enumerate(users):
        mine = [one for one, _, _ in bought[at * EACH_OF_A_USER : (at + 1) * EACH_OF_A_USER]]
        days = len([one for one in mine if one not in declined])
        periods = list(Subscription.objects.filter(user=user).order_by("starts_at"))
        total = sum((one.ends_at - one.starts_at for one in periods), timedelta())
        assert total == timedelta(days=days)
        assert all(one.ends_at == other.starts_at for one, other in pairwise(periods))
        user.refresh_from_db()
        assert user.tier == ("pro" if days else "free")
    assert workers.deaths >= 3
    wait(lambda: stream_is_done(redis_client), workers.said, 90)


def stream_is_done(client: redis.Redis) -> bool:
    """Nothing is left in hand, of those that died neither."""
    groups: Any = client.xinfo_groups(stream.STREAM)
    return all(group["lag"] == 0 and group["pending"] == 0 for group in groups)
