"""One call, with all its parameters, and what comes of it over the bars of a stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stocks.indicators.bars import Array, Bars
from stocks.indicators.on_demand.definition import Definition, number


@dataclass(frozen=True, slots=True)
class Asked:
    """A definition with its arguments, defaults filled in; ``output`` is one of its outputs or "" for all."""

    definition: Definition
    arguments: tuple[float, ...]
    output: str = ""

    @property
    def call(self) -> str:
        """The call in full, without spaces: ``bbands(20,2)``; without brackets where it has no parameters."""
        numbers = ",".join(number(argument) for argument in self.arguments)
        return f"{self.definition.name}({numbers})" if numbers else self.definition.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the series it gives: ``rsi(14)``, or ``bbands(20,2).upper`` and so on."""
        outputs = (self.output,) if self.output else self.definition.outputs
        return tuple(f"{self.call}.{output}" for output in outputs) or (self.call,)


def work_out(asked: Sequence[Asked], bars: Bars) -> dict[str, Array]:
    """The series asked for by label, each as long as the bars, NaN where unknown.

    Give it the whole history: averages that never forget depend on their first bar.
    """
    calls: dict[str, dict[str, Array]] = {}
    out: dict[str, Array] = {}
    for one in asked:
        if one.call not in calls:
            all_outputs = Asked(one.definition, one.arguments).labels
            kernels = one.definition.kernels(one.arguments)
            series = [values for kernel in kernels for values in kernel.series(bars)]
            calls[one.call] = dict(zip(all_outputs, series, strict=True))
        out |= {label: calls[one.call][label] for label in one.labels}
    return out
