"""The sandbox as MARKET_DATA names it: it goes on from the prices that this database holds."""

from __future__ import annotations

from stocks.providers.sandbox import Sandbox
from stocks.providers.tools import Tools
from stocks.quotes import last_ticks


def build(tools: Tools) -> Sandbox:
    return Sandbox(last_ticks=last_ticks, now=tools.now)
