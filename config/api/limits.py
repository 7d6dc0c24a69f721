"""How large a request may be."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException

MAX_BODY_BYTES = 1024 * 1024


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than 1 MB."
    default_code = "body_too_large"
