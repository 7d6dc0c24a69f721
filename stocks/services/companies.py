"""Who stands behind a stock: fetched once a week, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction

from stocks.errors import NoCompany
from stocks.models import CompanyProfile, Fetched, Stock
from stocks.models.fields import MAX_MONEY
from stocks.providers.errors import Malformed
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Capability
from stocks.selectors.reports import stored_profile
from stocks.services.keeping import claim_for, kept_fresh
from stocks.texts import plain_text, web_address
from stocks.types import Company, StockKey

FRESH_FOR: Final = timedelta(days=7)
_LONGEST_DESCRIPTION = 10_000
_LONGEST_ADDRESS = 500
_MOST_EMPLOYEES = 10_000_000


@dataclass(frozen=True, slots=True)
class CompanyReport:
    """A stock, its profile, and whether that is older than it should be."""

    stock: Stock
    profile: CompanyProfile
    stale: bool


def company_report(stock: Stock, *, now: datetime) -> CompanyReport:
    """The profile of the stock's company; raises NoCompany and DataUnavailable."""
    key = key_of(stock)
    profile = stored_profile(stock)
    freshness = kept_fresh(
        fetched_name(stock.code),
        offered=mesh().covers(Capability.COMPANY, key),
        have=profile is not None,
        fresh_for=FRESH_FOR,
        refresh=lambda: _refresh(stock),
        now=now,
    )
    if profile is None:
        profile = None if freshness.missing else stored_profile(stock)
    if profile is None:
        raise NoCompany(stock.code)
    return CompanyReport(stock, profile, stale=freshness.stale or freshness.missing)


def key_of(stock: Stock) -> StockKey:
    return StockKey(stock.code, stock.market_id, stock.currency)


def fetched_name(code: str) -> str:
    return f"company:{code}"


def refuse_other(company: Company, key: StockKey) -> None:
    """Raise Malformed for a company that is listed under another code or in another currency."""
    listing = company.listing
    if listing.code != key.code:
        raise Malformed(f"{company.source}: asked for one code, it told of another")
    if key.currency and listing.currency and listing.currency != key.currency:
        raise Malformed(f"{company.source}: another currency than that of {key.code}")


def profile_store(stock: Stock, company: Company, *, now: datetime) -> None:
    """Keep what a provider said of a company; a part of it that cannot be true is left out."""
    market_cap, employees = company.market_cap, company.employees
    CompanyProfile.objects.update_or_create(
        stock_id=stock.id,
        defaults={
            "description": plain_text(company.description, _LONGEST_DESCRIPTION),
            "website": web_address(company.website, _LONGEST_ADDRESS),
            "logo": web_address(company.logo, _LONGEST_ADDRESS),
            "country": plain_text(company.country, 60),
            "employees": employees if employees and 0 < employees <= _MOST_EMPLOYEES else None,
            "market_cap": market_cap if _is_sane(market_cap) else None,
            "as_of": company.as_of if company.as_of and company.as_of <= now else None,
            "received_at": company.received_at,
            "source": company.source,
        },
    )
    Fetched.objects.update_or_create(
        name=fetched_name(stock.code), defaults={"at": now, "missing": False, "source": company.source}
    )


def _refresh(stock: Stock) -> str:
    key = key_of(stock)
    company = mesh().company(key).value
    refuse_other(company, key)
    with transaction.atomic():
        claim_for(company.source)
        profile_store(stock, company, now=company.received_at)
    return company.source


def _is_sane(market_cap: Decimal | None) -> bool:
    return market_cap is not None and market_cap.is_finite() and 0 < market_cap < MAX_MONEY
