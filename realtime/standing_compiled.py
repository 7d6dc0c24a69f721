"""What compiled loops do with what standing.py knows: see realtime/compiling.py."""

from __future__ import annotations

from realtime.compiling import FLAG, NUMBER, OUT_NUMBERS, OUT_TABLE, compiled


@compiled(FLAG(NUMBER, NUMBER, NUMBER, OUT_NUMBERS, OUT_TABLE))
def goes_on(line, first, second, positions, reached):  # type: ignore[no-untyped-def]
    """Have the room of a line go on by one event of a version; False where it has reached that already."""
    if first < reached[0, line] or (first == reached[0, line] and second <= reached[1, line]):
        return False
    reached[0, line], reached[1, line] = first, second
    positions[line] += 1
    return True
