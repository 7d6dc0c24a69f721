"""Prometheus' text format, version 0.0.4. Pure: metrics in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})

Labels = tuple[tuple[str, str], ...]
Number = int | float | Decimal


@dataclass
class Gauge:
    """A figure that goes up and down, for each set of labels once; a figure nobody knows is left out."""

    kind: ClassVar[str] = "gauge"

    name: str
    help: str
    #: What stands behind the name, the labels and the figure.
    samples: list[tuple[str, Labels, Number]] = field(default_factory=list)

    def add(self, value: Number | None, **labels: str) -> None:
        if value is not None:
            self.samples.append(("", tuple(labels.items()), value))


class Counter(Gauge):
    """A figure that only rises; its name ends in `_total`."""

    kind = "counter"


class Histogram(Gauge):
    """How many cases there were up to each bound."""

    kind = "histogram"

    def add_counts(self, counts: Mapping[str, int], total: Number) -> None:
        """Cases by the upper bound of their bucket, the smallest first, and the sum of what was measured."""
        so_far = 0
        for bound, count in counts.items():
            so_far += count
            self.samples.append(("_bucket", (("le", bound),), so_far))
        self.samples += [("_sum", (), total), ("_count", (), so_far)]


def render(gauges: Iterable[Gauge]) -> str:
    """The page: metrics in their order, without those that nothing is known of."""
    return "".join(_lines(gauge) for gauge in gauges if gauge.samples)


def _lines(gauge: Gauge) -> str:
    head = f"# HELP {gauge.name} {_help(gauge.help)}\n# TYPE {gauge.name} {gauge.kind}\n"
    return head + "".join(
        f"{gauge.name}{suffix}{_labels(labels)} {_number(value)}\n" for suffix, labels, value in gauge.samples
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
