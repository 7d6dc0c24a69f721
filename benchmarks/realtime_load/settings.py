"""The settings of the server under test: those of the project, but for what one address may open.

BENCH_LIMITS is a JSON object of `realtime.limits.Limits` fields that a gate asks for, such as a window.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields
from typing import Any

from config import settings as project
from config.settings import *  # noqa: F403  (every setting of the project)
from realtime.limits import Limits

# All connections of the benchmark come from one address, and its users ask without end; how many connections
# one user may open stays as it is.
LIMITS = {**project.LIMITS, "address": "900000000/minute"}
TIERS = {name: {**tier, "requests": ["900000000/minute"]} for name, tier in project.TIERS.items()}
_one_address = {"connections_per_address": 1_000_000}
_known = {one.name for one in fields(Limits)}
REALTIME_LIMITS: dict[str, Any] = {
    **getattr(project, "REALTIME_LIMITS", {}),
    **{name: value for name, value in _one_address.items() if name in _known},
    **json.loads(os.environ.get("BENCH_LIMITS") or "{}"),
}
