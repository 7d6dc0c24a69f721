"""Readings of this process for whoever exports them."""

from __future__ import annotations

from realtime import hub as hubs

_COUNTED = ("events", "deliveries", "conflated", "blocked", "replays", "gaps")


def readings() -> dict[str, int]:
    """What is open now (`connections`, `rooms`, `memberships`) and the totals of counts.py, with one
    `closed_<code>` per close code that occurred.
    """
    result = dict.fromkeys(("connections", "rooms", "memberships", *_COUNTED), 0)
    for hub in hubs.all_hubs():
        result["connections"] += len(hub.clients)
        result["rooms"] += len(hub.rooms)
        result["memberships"] += sum(len(room.members) for room in list(hub.rooms.values()))
        for name in _COUNTED:
            result[name] += getattr(hub.counts, name)
        for name, count in list(hub.counts.closed.items()):
            result[f"closed_{name.lower()}"] = result.get(f"closed_{name.lower()}", 0) + count
    return result
