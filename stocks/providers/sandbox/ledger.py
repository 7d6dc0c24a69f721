"""The lines of invented statements: many companies' quarters at once, as whole amounts in arrays.

They add up: assets are liabilities and equity, property grows by what is spent less what wears off, and the
three cash flows are the change of the cash. What is drawn for a company depends on its code alone, and later
quarters never change earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from stocks.providers.sandbox import known
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.company import Company
from stocks.providers.sandbox.universe import Instrument
from stocks.providers.sandbox.walk import Floats

Ints = npt.NDArray[np.int64]

#: Amounts are filed in these units.
_UNITS = {"KRW": 1_000_000, "USD": 1_000, "INR": 100_000}
_SEASONS = np.array([0.94, 0.99, 1.01, 1.06])
_MEMORY = 0.8
_LARGEST_CYCLE = 0.25
_LARGEST_DRAW = 2.5
#: The lowest and highest share of each line, of which every company draws its own. Below 0 it has none.
_SHARES = {
    # Of all assets in a year that is neither good nor bad; together less than four fifths.
    "cash": (0.05, 0.12),
    "short_term_investments": (0.01, 0.06),
    "receivables": (0.05, 0.11),
    "inventory": (0.04, 0.10),
    "ppe": (0.10, 0.24),
    "goodwill": (-0.04, 0.06),
    "intangible_assets": (0.01, 0.04),
    # Of the liabilities; the short debt of all debt.
    "total_debt": (0.15, 0.40),
    "short_term_debt": (0.20, 0.45),
    "payables": (0.08, 0.16),
    "current_liabilities": (0.45, 0.60),
    # Of the equity.
    "retained_earnings": (0.25, 0.70),
    "preferred_equity": (-0.30, 0.03),
    # Of the overheads, and of what is earned before taxes.
    "rnd_expense": (0.02, 0.30),
    "income_tax": (0.17, 0.27),
    # Of the debt, the property and the intangible assets, in a quarter.
    "interest_expense": (0.006, 0.014),
    "depreciation": (0.018, 0.030),
    "amortization": (0.015, 0.030),
}
_OTHER_CURRENT_ASSETS = 0.02

Whole = Callable[[Floats], Ints]
Lines = dict[str, Ints]


def lines(
    seed: int,
    instruments: Sequence[Instrument],
    companies: Sequence[Company],
    drift: Floats,
    quarter: npt.NDArray[np.int_],
) -> Lines:
    """``STATEMENT_LINES``, each of shape (companies, quarters).

    Args:
        seed: of the market.
        instruments: none of them an index.
        companies: the business of each.
        drift: what growth has made of 1 by the end of each quarter, shape (companies, quarters).
        quarter: 0 to 3 for each column.
    """
    shares = _shares(seed, instruments)
    noise = np.stack([_noise(seed, one, len(quarter)) for one in instruments], axis=1)
    unit = np.array([_UNITS[one.venue.currency] for one in instruments])[:, None]
    worth = np.array([one.middle / 10**one.venue.digits * one.shares for one in instruments])[:, None] * drift

    def whole(amount: Floats) -> Ints:
        return np.rint(amount / unit).astype(np.int64) * unit

    book = worth / _of(companies, "pbr")
    cycle = _cycle(_of(companies, "swing") * noise[0])
    found = _earned(companies, whole, book, cycle, noise, quarter)
    found |= _owed(companies, whole, shares, book, cycle, noise)
    found |= _held(companies, whole, shares, book, noise, found)
    found |= _expenses(whole, shares, found)
    found["dividends_paid"] = whole(_paid(companies, quarter) * worth)
    found |= _cash_flows(found)
    # Invented companies never change the number of their shares, and own their subsidiaries whole.
    none = ("share_repurchases", "share_issuance", "minority_interest")
    return found | dict.fromkeys(none, np.zeros_like(found["cash"]))


def _of(companies: Sequence[Company], name: str) -> Floats:
    return np.array([getattr(one, name) for one in companies])[:, None]


def _shares(seed: int, instruments: Sequence[Instrument]) -> dict[str, Floats]:
    drawn = np.stack([generator(seed, one.code, "shares").random(len(_SHARES)) for one in instruments])
    low, high = np.array(list(_SHARES.values())).T
    found = dict(zip(_SHARES, np.maximum(low + (high - low) * drawn, 0.0).T[:, :, None], strict=True))
    finance = np.array([one.sector == known.FINANCE for one in instruments])[:, None]
    return found | {"inventory": np.where(finance, 0.0, found["inventory"])}


def _noise(seed: int, instrument: Instrument, quarters: int) -> Floats:
    """Six draws a quarter, shape (6, quarters)."""
    drawn = [
        generator(seed, instrument.code, purpose).standard_normal((quarters, count))
        for purpose, count in (("quarters", 4), ("balances", 2))
    ]
    return np.clip(np.concatenate(drawn, axis=1), -_LARGEST_DRAW, _LARGEST_DRAW).T


def _cycle(shocks: Floats) -> Floats:
    """How far business is above or below its middle, as a logarithm; it remembers."""
    cycle = np.zeros_like(shocks)
    last = np.zeros(len(shocks))
    for column in range(shocks.shape[1]):
        last = np.clip(_MEMORY * last + shocks[:, column], -_LARGEST_CYCLE, _LARGEST_CYCLE)
        cycle[:, column] = last
    return cycle


def _earned(
    companies: Sequence[Company],
    whole: Whole,
    book: Floats,
    cycle: Floats,
    noise: Floats,
    quarter: npt.NDArray[np.int_],
) -> Lines:
    net = _of(companies, "roe") / 100.0 * book / 4.0 * _SEASONS[quarter]
    revenue = net / _of(companies, "net_share") / (_of(companies, "operating_margin") / 100.0)
    net = net * np.exp(cycle + 0.04 * noise[1])
    operating = net / _of(companies, "net_share")
    revenue = revenue * np.exp(0.7 * cycle)
    found = {
        "revenue": whole(revenue),
        "gross_profit": whole(operating + _of(companies, "gross_extra") * revenue),
        "operating_profit": whole(operating),
        "net_profit": whole(net),
        "operating_cash_flow": whole(net + 0.04 * revenue * (1.0 + 0.3 * noise[3])),
    }
    return found | {"cost_of_revenue": found["revenue"] - found["gross_profit"]}


def _owed(
    companies: Sequence[Company],
    whole: Whole,
    shares: Mapping[str, Floats],
    book: Floats,
    cycle: Floats,
    noise: Floats,
) -> Lines:
    equity = book * np.exp(0.25 * cycle)
    liabilities = equity * _of(companies, "leverage") * np.exp(0.05 * noise[2])
    usual = book * _of(companies, "leverage")
    retained = np.where(_of(companies, "roe") > 0.0, 1.0, -0.6) * shares["retained_earnings"]
    debt = whole(usual * shares["total_debt"])
    short = whole(usual * shares["total_debt"] * shares["short_term_debt"])
    return {
        "total_equity": whole(equity),
        "retained_earnings": whole(retained * book),
        "preferred_equity": whole(shares["preferred_equity"] * book),
        "total_liabilities": whole(liabilities),
        "current_liabilities": whole(shares["current_liabilities"] * liabilities),
        "payables": whole(shares["payables"] * usual * np.exp(0.05 * noise[4])),
        "total_debt": debt,
        "short_term_debt": short,
        "long_term_debt": debt - short,
    }


def _held(
    companies: Sequence[Company],
    whole: Whole,
    shares: Mapping[str, Floats],
    book: Floats,
    noise: Floats,
    found: Lines,
) -> Lines:
    usual = book * (1.0 + _of(companies, "leverage"))
    noises = {"cash": 0.08 * noise[5], "receivables": 0.05 * noise[4], "inventory": -0.05 * noise[5]}
    current = ("cash", "short_term_investments", "receivables", "inventory")
    fixed = ("ppe", "goodwill", "intangible_assets")
    held = {
        name: whole(usual * shares[name] * np.exp(noises.get(name, np.zeros(1)))) for name in current + fixed
    }
    return held | {
        "current_assets": sum((held[name] for name in current), whole(_OTHER_CURRENT_ASSETS * usual)),
        "total_assets": found["total_liabilities"] + found["total_equity"],
    }


def _expenses(whole: Whole, shares: Mapping[str, Floats], found: Lines) -> Lines:
    overheads = found["gross_profit"] - found["operating_profit"]
    research = whole(overheads * shares["rnd_expense"])
    interest = whole(found["total_debt"] * shares["interest_expense"])
    net = found["net_profit"]
    # A loss is taxed with nothing.
    taxes = np.where(net > 0, whole(net * shares["income_tax"] / (1.0 - shares["income_tax"])), 0)
    worn = whole(found["ppe"] * shares["depreciation"])
    amortized = whole(found["intangible_assets"] * shares["amortization"])
    return {
        "rnd_expense": research,
        "sga_expense": overheads - research,
        "depreciation_amortization": worn + amortized,
        "interest_expense": interest,
        "income_tax": taxes,
        "pretax_profit": net + taxes,
        "ebit": net + taxes + interest,
        "capital_expenditure": _change(found["ppe"]) + worn,
        "investing_cash_flow": -(_change(found["intangible_assets"]) + amortized),
    }


def _paid(companies: Sequence[Company], quarter: npt.NDArray[np.int_]) -> Floats:
    """What a quarter pays to owners, as a part of what the company is worth."""
    paid = np.zeros((len(companies), len(quarter)))
    for row, one in enumerate(companies):
        step = 12 // one.payments
        months = np.arange(one.payments) * step + min(one.payment_month, step - 1)
        paid[row, np.isin(quarter, months // 3)] = one.dividend_yield / 100.0 / one.payments
    return paid


def _cash_flows(found: Lines) -> Lines:
    """Investments are paid from the cash; owners and lenders bring what is lacking, or take what is left."""
    bought = _change(found["short_term_investments"]) + _change(found["goodwill"])
    investing = found["investing_cash_flow"] - found["capital_expenditure"] - bought
    return {
        "investing_cash_flow": investing,
        "financing_cash_flow": _change(found["cash"]) - found["operating_cash_flow"] - investing,
    }


def _change(levels: Ints) -> Ints:
    """What each quarter added; of the first nothing is known, so nothing."""
    return np.diff(levels, axis=1, prepend=levels[:, :1])
