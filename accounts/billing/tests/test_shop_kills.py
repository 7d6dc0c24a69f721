"""Orders under duplicate pays and notices, workers that are killed and a Redis that is emptied.

Every order is charged and fulfilled once, and none is lost: the gateway counts what it takes, and what must
be there is worked out from what was ordered. `STOCKROOM_ORDERS` says how many (60 where it says nothing),
`STOCKROOM_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest
import redis
import requests

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
# The start of a worker costs as much as a hundred payments: more troubles would only test how it starts.
TROUBLES = max(6, ORDERS // 40)
# A worker that dies by itself does so before it has passed a point so often.
PASSES = max(12, ORDERS // 4)
# On a machine that does much else.
SECONDS = 120
LONGEST = 180 + 2 * ORDERS
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
            point = f"{self._chance.choice(POINTS)}:{self._chance.randrange(1, PASSES)}" if mortal else ""
            self._all.append(self._stack.manage("process_payments", FAIL_AT=point))

    def kill_one(self) -> bool:
        """Kill one that has begun to work; says whether there was one."""
        begun = [one for one in self._living() if "processing payments" in self._stack.output(one)]
        if begun:
            self._stack.kill(self._chance.choice(begun))
        return bool(begun)

    def said(self) -> str:
        return "\n".join(f"--- {one.pid}\n{self._stack.output(one)}" for one in self._all)[-20_000:]

    def _living(self) -> list[Any]:
        return [one for one in self._all if one.poll() is None]


class Wire:
    """Requests, each over a connection of its own. ``slowest`` is what a reply took the longest."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()
        self.slowest = (0.0, "")

    def post(self, path: str, **options: Any) -> requests.Response:
        """Asks again where a busy machine, or another request with the key, says so."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            # One that is kept may be closed by the server just as it is used again.
            self._local.session.headers["Connection"] = "close"
        while True:
            began = time.monotonic()
            reply = self._local.session.post(f"{self._url}/v1/{path}", timeout=SECONDS, **options)
            self.slowest = max(self.slowest, (time.monotonic() - began, f"{path}: {reply.status_code}"))
            in_flight = reply.status_code == 409 and "IN_FLIGHT" in reply.text
            if not (reply.status_code == 503 or in_flight):
                return cast(requests.Response, reply)
            time.sleep(0.05)


class Client:
    """What one user's program does: it orders, and pays again and again."""

    def __init__(self, wire: Wire, user: User) -> None:
        self._wire = wire
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
        return self._wire.post(path, json=body, headers=headers)


class Teller:
    """The gateway's notices, each several times and in no order; ``told`` counts them."""

    def __init__(self, wire: Wire, gateway: StripeStandIn, chance: random.Random) -> None:
        self._wire, self._gateway, self._chance = wire, gateway, chance
        self._pool = ThreadPoolExecutor(CLIENTS)
        self.told = 0

    def tell(self, *, again: bool, times: int = NOTICES_EACH) -> None:
        """Tell of charges that waited or, ``again``, of all, so many times each."""
        bodies = []
        for intent_id, intent in list(self._gateway.intents.items()):
            if intent["status"] == "processing":
                self._gateway.settle(intent_id)
            elif not again:
                continue
            if intent["status"] == "succeeded":
                body = self._gateway.event(intent_id, "payment_intent.succeeded", event_id=f"evt_{intent_id}")
                bodies += [body] * times
        self._chance.shuffle(bodies)
        assert set(self._pool.map(self._post, bodies)) <= {200}
        self.told += len(bodies)

    def _post(self, body: bytes) -> int:
        return self._wire.post("payments/webhook/stripe", data=body, headers=signed(body)).status_code


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
    wire = Wire(stack.url)
    clients = [Client(wire, user) for user in users]
    tokens = chance.choices(list(TOKENS), list(TOKENS.values()), k=ORDERS)
    owners = [number // EACH_OF_A_USER for number in range(ORDERS)]
    chance.shuffle(owners)
    emptying = max(2, TROUBLES * 2 // 5)
    troubles = ["empty Redis"] * emptying + ["kill a worker"] * (TROUBLES - emptying)
    chance.shuffle(troubles)
    moments = sorted(chance.uniform(0, ORDERS) for _ in troubles)
    workers, teller = Workers(stack, chance), Teller(wire, gateway, random.Random(SEED))
    paying = ThreadPoolExecutor(CLIENTS * PAYS_EACH)
    done: list[int] = []

    def buy(number: int) -> tuple[str, str, list[int]]:
        client = clients[owners[number]]
        order_id = client.order("pro-day", f"order {number}")
        keys = [f"pay {number}", f"pay {number}", "", f"again {number}"]
        codes = list(paying.map(lambda key: client.pay(order_id, tokens[number], key), keys))
        done.append(number)
        return order_id, tokens[number], codes

    def shop() -> list[tuple[str, str, list[int]]]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            bought = list(pool.map(buy, range(ORDERS)))
        teller.tell(again=True)
        return bought

    began = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        shopping = beside.submit(shop)
        while not shopping.done() or troubles:
            assert time.monotonic() - began < LONGEST, workers.said()
            workers.fill(mortal=True)
            if troubles and (shopping.done() or len(done) >= moments[0]):
                if troubles[-1] == "empty Redis":
                    redis_client.flushdb()
                elif not workers.kill_one():
                    time.sleep(0.1)
                    continue
                troubles.pop()
                moments.pop(0)
            time.sleep(chance.uniform(0.05, 0.3))
        bought = shopping.result()
    bought_in = time.monotonic() - began

    def settled() -> bool:
        # Those that are left may still die by themselves.
        workers.fill(mortal=False)
        teller.tell(again=False)
        return open_orders() == 0 and not OrderEvent.objects.filter(sent_at=None).exists()

    wait(settled, lambda: f"{open_orders()} orders are open\n{workers.said()}", LONGEST)
    seconds = time.monotonic() - began
    teller.tell(again=True, times=1)
    print(
        f"{len(gateway.calls)} calls of the gateway, {teller.told} notices; {workers.deaths} workers died,"
        f" Redis was emptied {emptying} times; ordered within {bought_in:.0f} s, settled within"
        f" {seconds:.0f} s; the slowest reply took {wire.slowest[0]:.1f} s ({wire.slowest[1]})"
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
        mine = [one for owner, (one, _, _) in zip(owners, bought, strict=True) if owner == at]
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
