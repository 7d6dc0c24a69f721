"""Requests that have one effect, however often they are sent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils.encoding import force_bytes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import user_of
from accounts.services.idempotency import StoredReply, reply_once, stored_reply

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
_KEY = re.compile(r"[\x20-\x7e]{1,255}")

#: What a request does, as status and body of its reply.
Effect = Callable[[], tuple[int, Any]]

IDEMPOTENCY = OpenApiParameter(
    KEY_HEADER,
    # No spaces around it, which a header loses on its way.
    {"type": "string", "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters. The same key with the same request has one effect and"
    " the same reply for 24 hours; `Idempotent-Replayed: true` marks a reply that was sent before.",
)


def once(
    view: APIView,
    request: Request,
    now: datetime,
    prepare: Callable[[], Effect],
    *,
    refusals: type[Exception],
) -> Response | HttpResponse:
    """Carry out a request, or send the reply that its Idempotency-Key brought before.

    ``prepare`` reads what is asked and raises what is wrong with it, which frees the key. What it returns
    changes the database; one of the ``refusals`` is a reply that is kept, anything else frees the key.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None:
        status, body = prepare()()
        return Response(body, status=status)
    if _KEY.fullmatch(key) is None:
        raise serializers.ValidationError({KEY_HEADER: ["must be 1 to 255 printable ASCII characters"]})
    user, digest = user_of(request), _digest(request)
    known = stored_reply(user=user, key=key, digest=digest, now=now)
    if known is not None:
        return _sent(known, replayed=True)
    effect = prepare()
    reply, replayed = reply_once(
        user=user, key=key, digest=digest, now=now, effect=lambda: _kept(view, request, effect, refusals)
    )
    return _sent(reply, replayed=replayed)


def _kept(view: APIView, request: Request, effect: Effect, refusals: type[Exception]) -> StoredReply:
    try:
        with transaction.atomic():
            status, body = effect()
    except refusals as error:
        refused = view.get_exception_handler()(error, view.get_exception_handler_context())
        if refused is None or refused.status_code >= 500:
            raise
        status, body = refused.status_code, refused.data
    return StoredReply(status, force_bytes(request.accepted_renderer.render(body)))


def _sent(reply: StoredReply, *, replayed: bool) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, content_type="application/json")
    if replayed:
        response[REPLAYED_HEADER] = "true"
    return response


def _digest(request: Request) -> bytes:
    """Of method, path and body; the order of a body's fields does not matter."""
    body = json.dumps(request.data, sort_keys=True, default=str)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).digest()
