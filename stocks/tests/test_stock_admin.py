"""The staff pages of market data"""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import PASSWORD
from stocks.models import (
    CompanyProfile,
    CorporateAction,
    CryptoQuote,
    Dataset,
    Fetched,
    FundamentalSnapshot,
    FxRate,
    JobRun,
    LatestIndicators,
    LoadedFile,
    Market,
    MinuteBar,
    NewsArticle,
    QuarantinedTick,
    Quote,
    Statement,
    Stock,
)
from stocks.tests.factories import (
    ActionFactory,
    QuoteFactory,
    StatementFactory,
    StockFactory,
    bar,
    indicators,
)

pytestmark = pytest.mark.django_db
MODELS = [
    Market,
    Stock,
    Quote,
    Statement,
    FundamentalSnapshot,
    CorporateAction,
    LatestIndicators,
    Dataset,
    LoadedFile,
    CompanyProfile,
    NewsArticle,
    FxRate,
    CryptoQuote,
    JobRun,
    QuarantinedTick,
    Fetched,
]
WRITTEN_BY_THE_SERVICE = [
    *(Quote, LatestIndicators, Dataset, LoadedFile, CompanyProfile, NewsArticle),
    *(FxRate, CryptoQuote, JobRun, QuarantinedTick, Fetched),
]
NOON = datetime(2024, 11, 8, 3, tzinfo=UTC)
_numbers = count()


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("staff@example.com", PASSWORD))
    return client


def page_of(model: type[Model], action: str, *arguments) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}", args=arguments)


def fill() -> Stock:
    stock = StockFactory.create(name="<script>alert(1)</script>")
    bar(stock, "2024-11-07", "70000.50", open=None, high=None, low=None, volume=0)
    QuoteFactory.create(stock=stock)
    StatementFactory.create(stock=stock)
    ActionFactory.create(stock=stock, ex_date=date(2024, 11, 8), ratio=Decimal(5))
    indicators(stock)
    FundamentalSnapshot.objects.create(stock=stock, as_of=date(2024, 11, 8), currency="KRW", source="test")
    LoadedFile.objects.create(
        command="load_prices", name="bars.csv", sha256="0" * 64, options={"n": stock.pk}
    )
    fill_reports(stock)
    return stock


def fill_reports(stock: Stock) -> None:
    number = next(_numbers)
    came = {"received_at": NOON, "source": "test"}
    MinuteBar.objects.create(
        stock=stock,
        start=NOON,
        **dict.fromkeys(("open", "high", "low", "close"), Decimal("70000.25")),
        **dict.fromkeys(("first_at", "last_at"), NOON),
        **dict.fromkeys(("first_seq", "last_seq"), 1),
        source="test",
    )
    CompanyProfile.objects.create(stock=stock, **came)
    article = NewsArticle.objects.create(
        url_hash=number.to_bytes(32, "big"),
        url=f"https://example.com/{number}",
        title="<script>alert(1)</script>",
        published_at=NOON,
        **came,
    )
    article.stocks.add(stock)
    FxRate.objects.create(
        base="USD", quote=f"{number:03}", date=NOON.date(), rate=Decimal(2), as_of=NOON, **came
    )
    CryptoQuote.objects.create(symbol=f"C{number}", currency="USD", price=Decimal(1), as_of=NOON, **came)
    JobRun.objects.create(
        task="poll", slot=str(number), started_at=NOON, errors=["<script>alert(1)</script>"]
    )
    QuarantinedTick.objects.create(
        code=f"Q{number}", source="test", reason="<script>alert(1)</script>", received_at=NOON
    )
    Fetched.objects.create(name=f"news:{number}", at=NOON)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_list_and_a_page(staff, model):
    fill()
    assert staff.get(page_of(model, "changelist")).status_code == 200
    for row in model._default_manager.all()[:3]:
        assert staff.get(page_of(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", [model for model in MODELS if admin.site._registry[model].search_fields])
def test_every_list_can_be_searched(staff, model):
    fill()
    assert staff.get(page_of(model, "changelist"), {"q": "005"}).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_a_list_of_twenty_costs_the_queries_of_one(staff, model, django_assert_max_num_queries):
    fill()
    counts = []
    for _ in range(2):
        with django_assert_max_num_queries(20) as captured:
            staff.get(page_of(model, "changelist"))
        counts.append(len(captured))
        for _ in range(20):
            fill()
    assert counts[0] == counts[1]


def test_a_stocks_page_shows_its_newest_bars_and_its_quote(staff):
    stock = fill()
    for day in range(1, 32):
        bar(stock, date(2024, 10, day), day)
    text = staff.get(page_of(Stock, "change", stock.pk)).content.decode()
    assert "<td>70000.5</td>" in text
    assert len(re.findall(r"<td>2024-\d\d-\d\d</td>|<td>[A-Z][a-z.]+ \d+, 2024</td>", text)) == 30
    assert "71000 KRW at 2024-11-08 06:30:00 UTC (test)" in text
    assert "<td>2024-11-08 03:00 UTC</td><td>70000.25</td>" in text


def test_names_from_files_are_escaped(staff):
    stock = fill()
    for page in (
        page_of(Stock, "changelist"),
        page_of(Stock, "change", stock.pk),
        page_of(Quote, "changelist"),
        page_of(NewsArticle, "changelist"),
        page_of(JobRun, "change", JobRun.objects.get().pk),
        page_of(QuarantinedTick, "changelist"),
    ):
        text = staff.get(page).content.decode()
        assert "<script>alert" not in text
        assert html.escape("<script>alert(1)</script>") in text


@pytest.mark.parametrize("model", WRITTEN_BY_THE_SERVICE)
def test_what_the_service_writes_is_read_only(staff, model):
    fill()
    row = model._default_manager.first()
    assert staff.get(page_of(model, "add")).status_code == 403
    assert staff.post(page_of(model, "change", row.pk), {}).status_code == 403
    assert staff.post(page_of(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_stock_cannot_be_deleted(staff):
    stock = fill()
    assert staff.post(page_of(Stock, "delete", stock.pk), {"post": "yes"}).status_code == 403
    assert Stock.objects.filter(pk=stock.pk).exists()


def test_a_market_keeps_its_code_and_takes_no_unknown_calendar(staff):
    page = page_of(Market, "change", "KOSPI")
    values = {"name": "KOSPI", "mic": "XKRX", "country": "KR", "currency": "KRW"}
    wrong = staff.post(page, {**values, "code": "NEW", "calendar": "XNOPE", "timezone": "Mars/Base"})
    text = wrong.content.decode()
    assert "No trading calendar has this name" in text
    assert "No time zone has this name" in text
    right = staff.post(page, {**values, "code": "NEW", "calendar": "XKRX", "timezone": "Asia/Seoul"})
    assert right.status_code == 302
    assert not Market.objects.filter(code="NEW").exists()


def test_a_changed_action_is_a_new_version_of_the_data(staff):
    action = ActionFactory.create(ex_date=date(2024, 11, 8), ratio=Decimal(5))
    before = Dataset.objects.get().version
    staff.post(page_of(CorporateAction, "delete", action.pk), {"post": "yes"})
    assert not CorporateAction.objects.exists()
    assert Dataset.objects.get().version == before + 1


def test_visitors_are_sent_to_the_login(client):
    for model in MODELS:
        assert client.get(page_of(model, "changelist")).status_code == 302
