"""API keys of the user who signed in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.paging import PageQuery, page_of
from accounts.permissions import SignedIn, user_of
from accounts.selectors import api_keys_of
from accounts.serializers import KeyIssue, KeyIssuedReply, KeyListReply, KeyRotation
from accounts.services.keys import api_key_issue, api_key_revoke, api_key_rotate
from accounts.views.base import NO_STORE

# A key is known here, and refused: making keys takes a session.
_SESSION_ONLY: Any = [{"accessToken": []}]
_KEY_REFUSED = OpenApiResponse(description="Asked with an API key")


class KeyListView(APIView):
    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="api_keys_list",
        tags=["api-keys"],
        auth=_SESSION_ONLY,
        summary="Your API keys that are not revoked, newest first",
        parameters=[PageQuery],
        responses={200: KeyListReply, 403: _KEY_REFUSED},
    )
    def get(self, request: Request) -> Response:
        query = PageQuery.parse(request.query_params)
        page, meta = page_of(api_keys_of(user_of(request)), **query)
        return Response(KeyListReply({"api_keys": page, "meta": meta}).data)

    @extend_schema(
        operation_id="api_keys_issue",
        tags=["api-keys"],
        auth=_SESSION_ONLY,
        summary="Make an API key; this reply alone shows it",
        request=KeyIssue,
        responses={201: KeyIssuedReply, 403: _KEY_REFUSED},
    )
    def post(self, request: Request) -> Response:
        issued = api_key_issue(user=user_of(request), **KeyIssue.parse(request.data))
        return Response(KeyIssuedReply(issued).data, status=201, headers=NO_STORE)


class KeyView(APIView):
    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="api_keys_revoke",
        tags=["api-keys"],
        auth=_SESSION_ONLY,
        summary="Revoke an API key at once",
        responses={204: OpenApiResponse(description="Revoked"), 403: _KEY_REFUSED},
    )
    def delete(self, request: Request, key_id: UUID) -> Response:
        api_key_revoke(user=user_of(request), key_id=key_id)
        return Response(status=204)


class KeyRotationView(APIView):
    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="api_keys_rotate",
        tags=["api-keys"],
        auth=_SESSION_ONLY,
        summary="Put another key in the place of one; this reply alone shows it",
        request=KeyRotation,
        responses={201: KeyIssuedReply, 403: _KEY_REFUSED},
    )
    def post(self, request: Request, key_id: UUID) -> Response:
        grace = timedelta(seconds=KeyRotation.parse(request.data)["grace_s"])
        issued = api_key_rotate(user=user_of(request), key_id=key_id, grace=grace)
        return Response(KeyIssuedReply(issued).data, status=201, headers=NO_STORE)
