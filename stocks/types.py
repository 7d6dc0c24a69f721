"""The words of the market as plain values; nothing here knows a framework or a provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Interval(StrEnum):
    """The span of one bar as the history endpoint offers it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Intraday(StrEnum):
    """The span of one bar within a session."""

    ONE = "1m"
    FIVE = "5m"
    FIFTEEN = "15m"
    SIXTY = "60m"

    @property
    def minutes(self) -> int:
        return int(self.removesuffix("m"))


class Adjust(StrEnum):
    """How earlier prices are made comparable: not at all, by splits, or by splits and dividends."""

    NONE = "none"
    SPLIT = "split"
    TOTAL = "total"


class ActionKind(StrEnum):
    """Kinds of corporate action.

    ``rebase`` is not an event of the company: it joins two loaded files that were adjusted at different
    dates, so it changes how prices are read and never a holding.
    """

    SPLIT = "split"
    DIVIDEND = "dividend"
    BONUS = "bonus"
    REBASE = "rebase"


@dataclass(frozen=True, slots=True)
class StockKey:
    """What a provider needs to know of a stock in order to spell it.

    ``market`` and ``currency`` are empty for a code that no table knows yet.
    """

    code: str
    market: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A stock as a provider or a file describes it."""

    code: str
    name: str
    market: str
    sector: str = ""
    industry: str = ""
    currency: str = ""
    isin: str = ""
    kind: str = "equity"
    segment: str = ""
    listed_on: date | None = None
    shares_outstanding: int | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """One update of a stock's latest price.

    ``volume`` counts shares since the session opened; open, high, low and previous_close are those of the
    session. ``seq`` orders ticks of the same ``as_of``.
    """

    code: str
    price: Decimal
    as_of: datetime
    received_at: datetime
    source: str
    seq: int
    volume: int | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One price of an order book with the shares that wait there."""

    price: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The best levels of both sides; asks rise from the best, bids fall from the best."""

    code: str
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    as_of: datetime
    received_at: datetime
    source: str
    seq: int


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close and volume of one interval, labelled by its last session.

    Open, high and low are None on a day without trades; the close is then carried from the day before.
    """

    date: date
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class IntradayBar:
    """Open, high, low, close and volume of some minutes from ``start`` on; an unknown volume is None."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None


@dataclass(frozen=True, slots=True)
class Action:
    """A corporate action: ``ratio`` is new shares per old share, ``amount`` is cash per share."""

    kind: ActionKind
    ex_date: date
    ratio: Decimal | None = None
    amount: Decimal | None = None
    currency: str = ""


#: What a company earned and spent in the period. Costs and expenses are positive; ``net_profit`` is that of
#: the parent's owners, ``depreciation_amortization`` all of it, wherever it is shown.
INCOME_LINES: Final = (
    *("revenue", "cost_of_revenue", "gross_profit", "sga_expense", "rnd_expense"),
    *("depreciation_amortization", "operating_profit", "ebit", "interest_expense"),
    *("pretax_profit", "income_tax", "net_profit"),
)
#: What it held and owed at the end of the period. ``total_equity`` is that of the parent's owners, preferred
#: shares included; ``intangible_assets`` are without goodwill, ``short_term_debt`` with what falls due of
#: long debt within a year, and debts with lease liabilities where the filing counts these as debt.
BALANCE_LINES: Final = (
    *("total_assets", "current_assets", "cash", "short_term_investments", "receivables", "inventory"),
    *("ppe", "goodwill", "intangible_assets"),
    *("total_liabilities", "current_liabilities", "payables"),
    *("short_term_debt", "long_term_debt", "total_debt"),
    *("total_equity", "retained_earnings", "preferred_equity", "minority_interest"),
)
#: What it was paid and paid in the period. The three flows carry the sign of the cash; what follows them is
#: positive: paid for assets and to owners, and received for new shares.
CASH_FLOW_LINES: Final = (
    *("operating_cash_flow", "investing_cash_flow", "financing_cash_flow"),
    *("capital_expenditure", "dividends_paid", "share_repurchases", "share_issuance"),
)
#: Every line of a statement that is an amount of money.
STATEMENT_LINES: Final = (*INCOME_LINES, *BALANCE_LINES, *CASH_FLOW_LINES)


@dataclass(frozen=True, slots=True)
class StatementData:
    """One filed statement; amounts are whole units of ``currency``, unknown ones None.

    ``eps`` and ``shares_outstanding`` count the shares of the period's end, or of ``basis_on`` where a vendor
    has restated them for the splits up to that day.
    """

    period_type: str
    fiscal_year: int
    fiscal_quarter: int | None
    period_end: date | None
    filed_on: date
    currency: str
    revenue: Decimal | None = None
    cost_of_revenue: Decimal | None = None
    gross_profit: Decimal | None = None
    sga_expense: Decimal | None = None
    rnd_expense: Decimal | None = None
    depreciation_amortization: Decimal | None = None
    operating_profit: Decimal | None = None
    ebit: Decimal | None = None
    interest_expense: Decimal | None = None
    pretax_profit: Decimal | None = None
    income_tax: Decimal | None = None
    net_profit: Decimal | None = None
    total_assets: Decimal | None = None
    current_assets: Decimal | None = None
    cash: Decimal | None = None
    short_term_investments: Decimal | None = None
    receivables: Decimal | None = None
    inventory: Decimal | None = None
    ppe: Decimal | None = None
    goodwill: Decimal | None = None
    intangible_assets: Decimal | None = None
    total_liabilities: Decimal | None = None
    current_liabilities: Decimal | None = None
    payables: Decimal | None = None
    short_term_debt: Decimal | None = None
    long_term_debt: Decimal | None = None
    total_debt: Decimal | None = None
    total_equity: Decimal | None = None
    retained_earnings: Decimal | None = None
    preferred_equity: Decimal | None = None
    minority_interest: Decimal | None = None
    operating_cash_flow: Decimal | None = None
    investing_cash_flow: Decimal | None = None
    financing_cash_flow: Decimal | None = None
    capital_expenditure: Decimal | None = None
    dividends_paid: Decimal | None = None
    share_repurchases: Decimal | None = None
    share_issuance: Decimal | None = None
    eps: Decimal | None = None
    shares_outstanding: int | None = None
    basis_on: date | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """A company as a provider describes it, with the listing of its stock; unknown is empty or None.

    ``market_cap`` is in whole units of ``listing.currency``. ``as_of`` is when the provider says it was true,
    ``received_at`` when it came here.
    """

    listing: Listing
    source: str
    received_at: datetime
    as_of: datetime | None = None
    description: str = ""
    website: str = ""
    logo: str = ""
    country: str = ""
    employees: int | None = None
    market_cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """A piece of news; two with the same ``url`` are one. ``codes`` are the stocks that it is about."""

    url: str
    title: str
    publisher: str
    published_at: datetime
    source: str
    received_at: datetime
    summary: str = ""
    image: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FxRate:
    """How many units of ``quote`` one unit of ``base`` buys; both are ISO 4217."""

    base: str
    quote: str
    rate: Decimal
    as_of: datetime
    received_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class CryptoPrice:
    """The price of one unit of ``symbol`` (BTC) in ``currency``; the other figures are of the last 24 hours.

    ``volume`` counts units of ``symbol``, which are divisible.
    """

    symbol: str
    currency: str
    price: Decimal
    as_of: datetime
    received_at: datetime
    source: str
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    volume: Decimal | None = None
