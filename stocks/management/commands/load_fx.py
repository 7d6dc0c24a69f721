from __future__ import annotations

from typing import Any

from stocks.loading.fx import LAYOUTS, Rates
from stocks.loading.kinds import Make
from stocks.management.loading import LoadCommand, source


class Command(LoadCommand):
    help = "Load exchange rates: date, base, quote, rate (units of quote for one unit of base)."
    name = "load_fx"
    layouts = LAYOUTS

    def make(self, options: dict[str, Any]) -> Make:
        return lambda *_: Rates(source=source(options["source"]))
