"""Prometheus' text format, version 0.0.4. Pure: metrics in, text out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})

Labels = tuple[tuple[str, str], ...]
Number = int | float | Decimal


@dataclass
class Gauge:
    """A figure that goes up and down, for each set of labels once; a figure nobody knows is left out."""

    name: str
    help: str
    samples: list[tuple[Labels, Number]] = field(default_factory=list)

    def add(self, value: Number | None, **labels: str) -> None:
        if value is not None:
            self.samples.append((tuple(labels.items()), value))


def render(gauges: Iterable[Gauge]) -> str:
    """The page: gauges in their order, without those that nothing is known of."""
    return "".join(_lines(gauge) for gauge in gauges if gauge.samples)


def _lines(gauge: Gauge) -> str:
    head = f"# HELP {gauge.name} {_help(gauge.help)}\n# TYPE {gauge.name} gauge\n"
    return head + "".join(
        f"{gauge.name}{_labels(labels)} {_number(value)}\n" for labels, value in gauge.samples
    )


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels) + "}"


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: Number) -> str:
    if value == float("inf"):
        return "+Inf"
    return repr(float(value)) if isinstance(value, float | Decimal) else str(value)
