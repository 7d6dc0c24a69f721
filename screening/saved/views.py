"""Screens that users keep, and those that others show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.paging import PageQuery, page_of
from accounts.permissions import user_of
from screening.engine import find
from screening.models import SavedScreen
from screening.replies import ScreenReply, screen_reply
from screening.saved import selectors
from screening.saved import serializers as shapes
from screening.services import saved
from screening.views import past_is_for_accounts
from stocks.views.base import MarketDataView


class OwnScreens(MarketDataView):
    """Only their owner reaches them; to everybody else they do not exist."""

    permission_classes = [IsAuthenticated]
    key_scopes: ClassVar[Mapping[str, str]] = {}


def _results(screen: SavedScreen, request: Request) -> Response:
    run = shapes.stored_screen(screen, **shapes.ResultsQuery.parse(request.query_params))
    past_is_for_accounts(request, run)
    return Response(screen_reply(run, find(run)))


class ScreenListView(OwnScreens):
    @extend_schema(
        operation_id="screens_list",
        summary="Your screens by name",
        tags=["screening"],
        parameters=[PageQuery],
        responses=shapes.SavedScreensReply,
    )
    def get(self, request: Request) -> Response:
        query = PageQuery.parse(request.query_params)
        page, meta = page_of(selectors.screens_of(user_of(request)), **query)
        return Response({"screens": [shapes.saved_reply(screen) for screen in page], "meta": meta})

    @extend_schema(
        operation_id="screens_save",
        summary="Keep a screen under a name",
        tags=["screening"],
        request=shapes.SaveScreen,
        responses={201: shapes.SavedScreenReply},
    )
    def post(self, request: Request) -> Response:
        values = shapes.SaveScreen.parse(request.data)
        screen = saved.screen_save(
            user=user_of(request),
            name=values["name"],
            description=values["description"],
            asked=shapes.asked_in(request.data),
            now=timezone.now(),
        )
        return Response(shapes.saved_reply(screen), status=201)


class ScreenOneView(OwnScreens):
    @extend_schema(
        operation_id="screens_get",
        summary="One of your screens",
        tags=["screening"],
        responses=shapes.SavedScreenReply,
    )
    def get(self, request: Request, screen_id: UUID) -> Response:
        return Response(shapes.saved_reply(selectors.screen_of(user_of(request), screen_id)))

    @extend_schema(
        operation_id="screens_change",
        summary="Change one of your screens",
        tags=["screening"],
        request=shapes.ChangeScreen,
        responses=shapes.SavedScreenReply,
    )
    def patch(self, request: Request, screen_id: UUID) -> Response:
        values = shapes.ChangeScreen.parse(request.data)
        screen = saved.screen_change(
            user=user_of(request),
            screen_id=screen_id,
            changes={name: values[name] for name in ("name", "description") if name in values},
            asked=shapes.asked_in(request.data),
            now=timezone.now(),
        )
        return Response(shapes.saved_reply(screen))

    @extend_schema(
        operation_id="screens_delete",
        summary="Delete one of your screens",
        tags=["screening"],
        responses={204: OpenApiResponse(description="Deleted")},
    )
    def delete(self, request: Request, screen_id: UUID) -> Response:
        saved.screen_delete(user=user_of(request), screen_id=screen_id)
        return Response(status=204)


class ScreenResultsView(OwnScreens):
    @extend_schema(
        operation_id="screens_results",
        summary="The stocks that one of your screens finds now",
        tags=["screening"],
        parameters=[shapes.ResultsQuery],
        responses=ScreenReply,
    )
    def get(self, request: Request, screen_id: UUID) -> Response:
        return _results(selectors.screen_of(user_of(request), screen_id), request)


class ScreenShareView(OwnScreens):
    @extend_schema(
        operation_id="screens_share",
        summary="Get an address under which anybody may read and run the screen",
        tags=["screening"],
        request=None,
        responses=shapes.ShareReply,
    )
    def post(self, request: Request, screen_id: UUID) -> Response:
        screen = saved.screen_share(user=user_of(request), screen_id=screen_id)
        return Response({"share_url": shapes.share_url(screen)})

    @extend_schema(
        operation_id="screens_unshare",
        summary="End the address",
        tags=["screening"],
        responses={204: OpenApiResponse(description="Ended")},
    )
    def delete(self, request: Request, screen_id: UUID) -> Response:
        saved.screen_unshare(user=user_of(request), screen_id=screen_id)
        return Response(status=204)


class SharedScreenView(MarketDataView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="screens_shared",
        summary="A screen that its owner shares",
        tags=["screening"],
        responses=shapes.AskedReply,
    )
    def get(self, request: Request, token: str) -> Response:
        return Response(shapes.asked_reply(selectors.shared_screen(token)))


class SharedResultsView(MarketDataView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="screens_shared_results",
        summary="The stocks that a shared screen finds now",
        tags=["screening"],
        parameters=[shapes.ResultsQuery],
        responses=ScreenReply,
    )
    def get(self, request: Request, token: str) -> Response:
        return _results(selectors.shared_screen(token), request)
