"""How large a request may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rest_framework import status
from rest_framework.exceptions import APIException

from portfolios.importing.limits import MAX_FILE_BYTES

MAX_BODY_BYTES = 1024 * 1024
#: What a form has beside a file: options and boundaries.
_FORM_BYTES: Final = 64 * 1024
_FILES: Final = re.compile(r"/v1/portfolios/[0-9a-fA-F-]{36}/transactions/import")


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """The most bytes of a body, and the seconds in which it has to be here."""

    size: int
    seconds: float


BODIES: Final = BodyLimit(MAX_BODY_BYTES, 10.0)
#: Files of transactions have limits of their own.
FILES: Final = BodyLimit(MAX_FILE_BYTES + _FORM_BYTES, 60.0)


def body_limit(method: str, path: str) -> BodyLimit:
    """The limit of a request's body."""
    return FILES if method == "POST" and _FILES.fullmatch(path) else BODIES


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than 1 MB."
    default_code = "body_too_large"
