"""What a gate asks for, what was measured, and how both are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_SIGNS = {">=": "≥", "<=": "≤", "==": "="}


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of a gate and its bound. ``measured`` is None where there is nothing to compare with."""

    name: str
    measured: float | None
    sign: str
    bound: float
    why: str = ""

    @property
    def met(self) -> bool | None:
        if self.measured is None:
            return None
        if self.sign == ">=":
            return self.measured >= self.bound
        if self.sign == "<=":
            return self.measured <= self.bound
        return self.measured == self.bound


@dataclass(slots=True)
class Gate:
    """A line of the table of gates. ``invalid`` says what spoils it, ``notes`` what else to know."""

    name: str
    load: str
    checks: list[Check] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def met(self) -> bool:
        """Whether every figure that could be measured is within its bound."""
        measured = [check.met for check in self.checks if check.met is not None]
        return bool(measured) and all(measured) and not self.error

    def as_json(self) -> dict[str, Any]:
        figures: dict[str, Any] = {
            "measured": {check.name: check.measured for check in self.checks},
            "gate": {check.name: f"{check.sign} {check.bound:g}" for check in self.checks},
            "met": self.met,
            "valid": not self.invalid and not self.error,
            "load": self.load,
        }
        figures |= {f"{check.name}_why": check.why for check in self.checks if check.why}
        for name, value in (("error", self.error), ("invalid", self.invalid), ("notes", self.notes)):
            if value:
                figures[name] = value
        return figures | {"details": self.details}


def table(gates: Iterable[Gate]) -> str:
    """The gates as a Markdown table, a row per figure, and below it what there is to say about them."""
    rows = ["| id | load | figure | measured | gate | met |", "|---|---|---|---|---|---|"]
    remarks: list[str] = []
    for gate in gates:
        name, load = gate.name, gate.load
        for check in gate.checks:
            measured = "—" if check.measured is None else f"{check.measured:,g}"
            met = {True: "yes", False: "**no**", None: "—"}[check.met]
            if check.met is not None and gate.invalid:
                met += " (invalid)"
            bound = f"{_SIGNS[check.sign]} {check.bound:,g}"
            rows.append(f"| {name} | {load} | {check.name} | {measured} | {bound} | {met} |")
            name = load = ""
            if check.why:
                remarks.append(f"- {gate.name} {check.name}: {check.why}")
        if gate.error:
            rows.append(f"| {name} | {load} | — | not measured | — | **no** |" if name else "")
            remarks.append(f"- {gate.name} failed: {gate.error}")
        remarks += [f"- {gate.name} is invalid: {reason}" for reason in gate.invalid]
        remarks += [f"- {gate.name}: {note}" for note in gate.notes]
    return "\n".join([*filter(None, rows), "", *remarks, ""])
