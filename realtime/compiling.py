"""Loops over numbers and bytes, in modules named ``…_compiled.py``; Numba compiles them on import.

What was compiled is kept for the next start, in the folder that NUMBA_CACHE_DIR names, or else beside this
module. Where that cannot be written each start takes some seconds more. Whoever has no use for such loops
does not import their modules: Numba alone takes half a second and 100 MB.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# It would say hundreds of lines of each function.
logging.getLogger("numba").setLevel(logging.WARNING)

_settings: Any = numba.config


def sources() -> list[Path]:
    """What compiled code may come from: the loops, and the modules beside them, whose constants are in it."""
    project = Path(__file__).resolve().parent.parent
    folders = {loops.parent for loops in project.glob("[a-z]*/**/*_compiled.py")}
    return sorted(source for folder in folders for source in folder.glob("*.py"))


def _kept() -> Path:
    """Where compiled code is kept, for these sources alone: Numba looks at one module at a time."""
    digest = hashlib.sha256()
    for source in sources():
        digest.update(source.read_bytes())
    folder = Path(_settings.CACHE_DIR or Path(__file__).parent / "__pycache__")
    return folder / f"numba-{digest.hexdigest()[:16]}"


def _is_kept() -> bool:
    """Whether it can be kept there; Numba would go on to other places, which are not for these sources."""
    folder = Path(_settings.CACHE_DIR)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


_settings.CACHE_DIR = str(_kept())
_IS_KEPT = _is_kept()

SIZE = types.uint64
NUMBER = types.int64
FLAG = types.boolean
#: Arrays that are only read, and such as are written to.
DATA = types.Array(types.uint8, 1, "C", readonly=True)
SIZES = types.Array(SIZE, 1, "C", readonly=True)
SIZE_TABLE = types.Array(SIZE, 2, "C", readonly=True)
NUMBERS = types.Array(NUMBER, 1, "C", readonly=True)
NUMBER_TABLE = types.Array(NUMBER, 2, "C", readonly=True)
OUT = types.Array(types.uint8, 1, "C")
OUT_SIZES = types.Array(SIZE, 1, "C")
OUT_NUMBERS = types.Array(NUMBER, 1, "C")
OUT_TABLE = types.Array(NUMBER, 2, "C")


@intrinsic
def copy(_, out, at, data, start, size):  # type: ignore[no-untyped-def]
    """Copy bytes of one array into another, which is several times as quick as a loop."""

    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        (out_type, _, data_type, *_), (out, at, data, start, size) = signature.args, arguments
        target, source = (
            builder.gep(context.make_array(kind)(context, builder, array).data, [place])
            for kind, array, place in ((out_type, out, at), (data_type, data, start))
        )
        cgutils.raw_memcpy(builder, target, source, size, 1)
        return context.get_dummy_value()

    return types.void(out, at, data, start, size), code


def compiled(signature: Any) -> Callable[[Any], Any]:
    """Compile a function for these types, when it is defined."""

    def of(function: Any) -> Any:
        try:
            return numba.njit(signature, cache=_IS_KEPT, nogil=True)(function)
        except OSError:
            # The disk is full.
            return numba.njit(signature, nogil=True)(function)

    return of
