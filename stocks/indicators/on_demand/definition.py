"""What can be asked for: a name, its parameters with bounds, and the series that come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stocks.indicators.kernels import AnyKernel


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a call; a whole number unless ``whole`` is false. The bounds are included."""

    name: str
    default: float
    low: float
    high: float
    whole: bool = True

    def problem(self, value: float) -> str | None:
        """Why the value is refused, or None."""
        kind = "a whole number" if self.whole else "a number"
        if self.low <= value <= self.high and (not self.whole or value == int(value)):
            return None
        return f"{self.name} must be {kind} from {number(self.low)} to {number(self.high)}"

    def argument(self, value: float) -> float:
        """The value as the kernels take it: an int where it counts bars."""
        return int(value) if self.whole else float(value)


@dataclass(frozen=True, slots=True)
class Definition:
    """A series, or several of one call, by name.

    ``make`` takes the names of the outputs and then the parameters in order, and gives the kernels whose ids
    are these outputs, in order. ``outputs`` is empty for a single series, which needs no name of its own.
    ``ascending`` names the parameters each of which must be above the one before.
    """

    name: str
    says: str
    make: Callable[..., tuple[AnyKernel, ...]]
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[str, ...] = ()
    ascending: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """How it is written with its defaults: ``macd(fast=12,slow=26,signal=9)``."""
        return f"{self.name}({','.join(f'{p.name}={number(p.default)}' for p in self.parameters)})"

    def problem(self, arguments: tuple[float, ...]) -> str | None:
        """Why arguments that are each in their bounds are refused together, or None."""
        by_name = dict(zip((p.name for p in self.parameters), arguments, strict=True))
        values = [by_name[name] for name in self.ascending]
        if values == sorted(set(values)):
            return None
        return f"{' < '.join(self.ascending)} is needed"

    def kernels(self, arguments: tuple[float, ...]) -> tuple[AnyKernel, ...]:
        """The kernels for arguments in bounds."""
        values: tuple[Any, ...] = tuple(
            parameter.argument(value) for parameter, value in zip(self.parameters, arguments, strict=True)
        )
        return self.make(self.outputs or ("",), *values)


def number(value: float) -> str:
    """A number as it is written in a call: 20, 2.5, 0.02."""
    return str(int(value)) if value == int(value) else repr(float(value))
