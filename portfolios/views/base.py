"""What the views of portfolios share: whose they are, and requests that have one effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.http import HttpResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import user_of
from accounts.throttling import AccountThrottle, TransactionThrottle
from accounts.views.once import IDEMPOTENCY, Effect
from accounts.views.once import once as with_one_effect
from portfolios.errors import PortfoliosError
from portfolios.models import Portfolio
from portfolios.selectors.portfolios import portfolio_of

__all__ = ["IDEMPOTENCY", "TAGS", "UNANSWERED", "Effect", "LedgerView", "PortfolioView", "once"]

TAGS = ["portfolios"]
#: In the WSGI environment: the error with which the database went away while it was to commit this request.
UNANSWERED = "stockroom.unanswered"


class PortfolioView(APIView):
    """A view of the user's own portfolios; those of others are not found."""

    permission_classes = (IsAuthenticated,)

    def portfolio(self, request: Request, portfolio_id: UUID) -> Portfolio:
        return portfolio_of(user_of(request), portfolio_id)


class LedgerView(PortfolioView):
    """A view whose POST changes a ledger: counted against the limit of transactions."""

    throttle_classes = (AccountThrottle, TransactionThrottle)


def once(
    view: APIView, request: Request, now: datetime, prepare: Callable[[], Effect]
) -> Response | HttpResponse:
    """Carry out a request once for its Idempotency-Key; a refusal by the ledger is a reply that is kept."""
    return with_one_effect(view, request, now, prepare, refusals=PortfoliosError)
