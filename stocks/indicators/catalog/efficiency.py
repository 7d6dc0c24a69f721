"""Catalogue: how often a year turns over what the company holds, and how long money is tied up.

"Mean" is of the last period end filed and the one a year before. A year has 365 days.
"""

from typing import Final

from stocks.indicators.catalog.entry import Indicator, Unit
from stocks.indicators.catalog.filed import CFA, damodaran, null_when

_COST: Final = "cost of revenue ttm (as filed, else revenue − gross profit)"


def _efficiency(
    id_: str,
    amount: str,
    base: str,
    source: str,
    inputs: tuple[str, ...],
    *,
    unit: Unit = "ratio",
    quarters: int = 5,
) -> Indicator:
    times = {"days": " × 365", "percent": " × 100"}.get(unit, "")
    return Indicator(
        id=id_,
        group="efficiency",
        unit=unit,
        formula=f"{amount} / {base}{times}",
        source=source,
        inputs=inputs,
        min_quarters=quarters,
        null_rule=null_when(f"{base} ≤ 0"),
    )


def _turnover(id_: str, amount: str, held: str, *inputs: str) -> Indicator:
    return _efficiency(id_, amount, f"mean {held}", CFA, inputs)


def _days(id_: str, held: str, flow: str, *inputs: str) -> Indicator:
    return _efficiency(id_, f"mean {held}", flow, CFA, inputs, unit="days")


EFFICIENCY = (
    _turnover("asset_turnover", "revenue ttm", "total assets", "revenue", "total_assets"),
    _turnover("fixed_asset_turnover", "revenue ttm", "property, plant and equipment", "revenue", "ppe"),
    _turnover(
        "working_capital_turnover",
        "revenue ttm",
        "(current assets − current liabilities)",
        *("revenue", "current_assets", "current_liabilities"),
    ),
    _turnover("inventory_turnover", _COST, "inventory", "cost_of_revenue", "inventory"),
    _turnover("receivables_turnover", "revenue ttm", "receivables", "revenue", "receivables"),
    _turnover("payables_turnover", _COST, "payables", "cost_of_revenue", "payables"),
    _days("dio", "inventory", _COST, "inventory", "cost_of_revenue"),
    _days("dso", "receivables", "revenue ttm", "receivables", "revenue"),
    _days("dpo", "payables", _COST, "payables", "cost_of_revenue"),
    Indicator(
        id="cash_conversion_cycle",
        group="efficiency",
        unit="days",
        formula="dio + dso − dpo; negative where suppliers finance the sales",
        source="Richards & Laughlin, Financial Management 9 (1980) 32-38",
        inputs=("inventory", "receivables", "payables", "cost_of_revenue", "revenue"),
        min_quarters=5,
        null_rule="dio, dso or dpo is null",
    ),
    _efficiency(
        "capex_to_depreciation",
        "capital expenditure ttm",
        "depreciation and amortisation ttm",
        damodaran(10),
        ("capital_expenditure", "depreciation_amortization"),
        quarters=4,
    ),
    _efficiency(
        "sga_to_sales",
        "selling, general and administrative expense ttm",
        "revenue ttm",
        CFA,
        ("sga_expense", "revenue"),
        unit="percent",
        quarters=4,
    ),
    _efficiency(
        "rnd_to_sales",
        "research and development expense ttm",
        "revenue ttm",
        "Chan, Lakonishok & Sougiannis, J. of Finance 56 (2001) 2431-2456",
        ("rnd_expense", "revenue"),
        unit="percent",
        quarters=4,
    ),
)
