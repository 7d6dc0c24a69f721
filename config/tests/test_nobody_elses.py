"""What belongs to one user does not exist for anybody else: every route with an id, as every other user.

A route that is new must be named here, as one of the public or with what it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import URLResolver
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.billing.models import Product
from accounts.billing.services.orders import order_create
from accounts.models import Tier, User
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer, token
from accounts.tests.factories import UserFactory
from screening.models import Notification
from screening.services.webhooks import webhook_create
from stocks.tests.factories import StockFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

#: The same for everybody, or guarded by a signature or an unguessable word in place of a user.
PUBLIC: Final = re.compile(r"v1/(stocks|symbol|market|screens/shared|payments/webhook)/")
METHODS: Final = ("get", "post", "patch", "put", "delete")
BUY: Final = {"type": "BUY", "stock_code": "AAPL", "quantity": 1, "price": 100, "currency": "USD"}
#: What is sent where something is: a body that its owner could send.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "patch v1/portfolios/<uuid:portfolio_id>": {"name": "Taken"},
    "post v1/portfolios/<uuid:portfolio_id>/holdings": {
        "stock_code": "AAPL",
        "quantity": 1,
        "avg_price": 100,
        "purchase_date": "2024-01-02",
    },
    "post v1/portfolios/<uuid:portfolio_id>/transactions": BUY,
    "post v1/portfolios/<uuid:portfolio_id>/transactions/<uuid:transaction_id>/replacement": BUY,
    "patch v1/watchlists/<uuid:watchlist_id>": {"name": "Taken"},
    "post v1/watchlists/<uuid:watchlist_id>/items": {"stock_code": "AAPL"},
    "patch v1/watchlists/<uuid:watchlist_id>/items/<str:stock_code>": {"note": "Taken"},
    "patch v1/alerts/<uuid:alert_id>": {"name": "Taken"},
    "patch v1/notifications/<uuid:notification_id>": {"read": True},
    "patch v1/webhooks/<uuid:webhook_id>": {"active": False},
    "patch v1/screens/<uuid:screen_id>": {"name": "Taken"},
    "post v1/orders/<uuid:order_id>/pay": {"gateway": "sandbox"},
}


def _routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _routes(one, before + str(one.pattern))
        else:
            yield before + str(one.pattern), one


def _calls() -> list[str]:
    """Method and route of every call on something that somebody owns."""
    found = []
    for route, pattern in _routes(get_resolver()):
        if route.startswith("v1/") and "<" in route and not PUBLIC.match(route):
            view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
            found += [f"{method} {route}" for method in METHODS if hasattr(view, method)]
    return found


CALLS: Final = _calls()


@pytest.fixture
def owned(settings: Any) -> dict[str, str]:
    """By the name of a parameter, the id of what Alice, of the tier pro, has."""
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    alice = UserFactory.create(tier=Tier.PRO)
    client = bearer(session_start(user=alice).access_token)
    StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")

    def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = client.post(path, body)
        assert reply.status_code == 201, (path, reply.content)
        return dict(reply.json())

    def number(thing: dict[str, Any]) -> str:
        return str(thing.get("id") or next(iter(thing.values()))["id"])

    portfolio = number(made("/v1/portfolios", {"name": "Growth", "base_currency": "USD"}))
    bought = made(f"/v1/portfolios/{portfolio}/transactions", BUY)
    order = order_create(user=alice, quantities={_product().code: 1}, now=timezone.now())
    return {
        "key_id": number(made("/v1/api-keys", {"name": "ci"})),
        "portfolio_id": portfolio,
        "transaction_id": bought["transaction"]["id"],
        "import_id": _imported(client, portfolio),
        "watchlist_id": number(made("/v1/watchlists", {"name": "Chips", "items": [{"stock_code": "AAPL"}]})),
        "stock_code": "AAPL",
        "alert_id": number(
            made(
                "/v1/alerts", {"kind": "price", "stock_code": "AAPL", "condition": "above", "threshold": 200}
            )
        ),
        "notification_id": str(_notification(alice).id),
        "webhook_id": str(webhook_create(user=alice, url="https://example.com/hook").row.pk),
        "screen_id": number(made("/v1/screens", {"name": "Cheap", "filters": {"per": {"max": 15}}})),
        "order_id": str(order.pk),
    }


def _imported(client: APIClient, portfolio: str) -> str:
    file = "type,stock_code,quantity,price,traded_at\nBUY,AAPL,1,100,2024-01-02\n"
    url = f"/v1/portfolios/{portfolio}/transactions/import"
    reply = client.post(url, data=file, content_type="text/csv")
    assert reply.status_code == 201, reply.content
    return str(reply.json()["id"])


def _product() -> Product:
    return Product.objects.create(
        code="pack", name="Pack", kind="data_pack", price=Decimal("49.5"), currency="USD"
    )


def _notification(user: User) -> Notification:
    return Notification.objects.create(
        user=user,
        arm=1,
        kind="price",
        condition="above",
        stock_code="AAPL",
        threshold=Decimal("200"),
        value=Decimal("200.5"),
        price=Decimal("200.5"),
        as_of=datetime(2026, 3, 2, 15, tzinfo=UTC),
        name="sell some",
    )


def _strangers() -> dict[str, tuple[APIClient, int]]:
    """Others by what they are, and the code that they get."""

    def as_user(**values: Any) -> APIClient:
        return bearer(session_start(user=UserFactory.create(**values)).access_token)

    key = api_key_issue(user=UserFactory.create(tier=Tier.PRO), name="ci")
    return {
        "another user": (as_user(tier=Tier.PRO), 404),
        "a lower tier": (as_user(tier=Tier.FREE), 404),
        "staff without the admin": (as_user(tier=Tier.PRO, is_staff=True), 404),
        "a key of another user": (token(key.text), 404),
        "nobody": (APIClient(), 401),
    }


def _send(client: APIClient, call: str, owned: dict[str, str]) -> Any:
    method, _, route = call.partition(" ")
    path = re.sub(r"<\w+:(\w+)>", lambda name: owned[name[1]], f"/{route}")
    return getattr(client, method)(path, BODIES.get(call, {}) if method != "get" else None)


def test_every_call_has_something_that_is_owned(owned):
    assert len(CALLS) >= 43
    for call in CALLS:
        assert set(re.findall(r"<\w+:(\w+)>", call)) <= owned.keys(), f"{call} needs a row in this test"
    assert BODIES.keys() <= set(CALLS)


def test_to_everybody_else_it_does_not_exist(owned):
    wrong = []
    for who, (client, expected) in _strangers().items():
        for call in CALLS:
            reply = _send(client, call, owned)
            # A key makes no keys and no addresses for webhooks, whoever owns them.
            may_refuse = who.startswith("a key") and reply.status_code == 403
            if reply.status_code != expected and not may_refuse:
                wrong.append((who, call, reply.status_code, reply.content[:200]))
            told = reply.content.replace(reply.json()["path"].encode(), b"")
            if leaked := [name for name, value in owned.items() if value.encode() in told]:
                wrong.append((who, call, f"tells {leaked}", told[:200]))
    assert wrong == []
