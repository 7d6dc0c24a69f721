"""Every error leaves in one envelope; domain errors meet their HTTP codes in one table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, IntegrityError, InternalError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from psycopg.errors import IdleInTransactionSessionTimeout
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response

from accounts import errors as accounts
from accounts.billing import errors as billing
from config.api.json import dumps_exact
from portfolios import errors as portfolios
from realtime.protocol.encoding import timestamp
from screening import errors as screening
from stocks import errors as stocks

logger = logging.getLogger(__name__)

DomainError = (
    accounts.AccountsError | stocks.StocksError | portfolios.PortfoliosError | screening.ScreeningError
)

STATUS: dict[type[Exception], int] = {
    accounts.AccountsError: 400,
    accounts.EmailTaken: 409,
    accounts.WrongCredentials: 401,
    accounts.InvalidToken: 401,
    accounts.InvalidRefreshToken: 401,
    accounts.InvalidConfirmation: 400,
    accounts.InvalidLink: 400,
    accounts.WrongPassword: 403,
    accounts.ScopeMissing: 403,
    accounts.ApiKeyNotFound: 404,
    accounts.ApiKeyLimitReached: 409,
    accounts.AccountsBusy: 503,
    accounts.MailNotSent: 503,
    accounts.TicketsUnavailable: 503,
    accounts.RateLimited: 429,
    accounts.KeyReused: 422,
    accounts.KeyInFlight: 409,
    billing.BillingError: 400,
    billing.ProductNotAvailable: 422,
    billing.CurrenciesDiffer: 422,
    billing.OrderNotFound: 404,
    billing.OrderLimitReached: 409,
    billing.OrderNotPending: 409,
    billing.PaymentInProgress: 409,
    billing.OrderNotRefundable: 409,
    billing.PaymentNotHeld: 409,
    billing.GatewayNotAvailable: 422,
    billing.CurrencyNotTaken: 422,
    billing.NoticeRefused: 400,
    billing.CatalogueNotRead: 422,
    stocks.StocksError: 400,
    stocks.StockNotFound: 404,
    stocks.NoPrice: 404,
    stocks.NoCompany: 404,
    stocks.NoNews: 404,
    stocks.NoRates: 404,
    stocks.NoCryptoPrice: 404,
    stocks.OrderBookNotAvailable: 404,
    stocks.MarketNotFound: 404,
    stocks.SandboxAndRealData: 409,
    stocks.DataUnavailable: 503,
    portfolios.PortfoliosError: 400,
    portfolios.PortfolioNotFound: 404,
    portfolios.PortfolioLimitReached: 403,
    portfolios.TransactionNotFound: 404,
    portfolios.InsufficientQuantity: 409,
    portfolios.QuoteStale: 409,
    portfolios.ExternalIdTaken: 409,
    portfolios.AlreadyReversed: 409,
    portfolios.ActionApplied: 409,
    portfolios.CashNotRecorded: 422,
    portfolios.FileTooLarge: 413,
    portfolios.ImportRefused: 422,
    portfolios.ImportNotFound: 404,
    portfolios.WatchlistNotFound: 404,
    portfolios.WatchlistItemNotFound: 404,
    portfolios.WatchlistItemExists: 409,
    portfolios.WatchlistLimitReached: 403,
    screening.ScreeningError: 400,
    screening.ScreenNotFound: 404,
    screening.ScreenExists: 409,
    screening.ScreenLimitReached: 409,
    screening.ScreenTooSlow: 503,
    screening.AlertNotFound: 404,
    screening.AlertLimitReached: 403,
    screening.NotificationNotFound: 404,
    screening.WebhookNotFound: 404,
    screening.WebhookLimitReached: 403,
    screening.WebhookExists: 409,
}

RETRY_SECONDS = "2"

CODES: dict[int, str] = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


def envelope(
    request: HttpRequest | None, *, code: str, message: str, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The body of an error reply, with the request's path and id."""
    return {
        "error": code,
        "message": message,
        "details": dict(details or {}),
        "timestamp": timestamp(timezone.now()),
        "path": getattr(request, "path", ""),
        "request_id": getattr(request, "request_id", ""),
    }


def status_of(error: Exception) -> int:
    """The HTTP code of a domain error: its own row of the table or that of the nearest class above it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook: turn any exception of a view into a reply in the envelope, or return None for a 500."""
    request = context["request"]._request
    if isinstance(error, Http404):
        error = exceptions.NotFound("Not found.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    headers: dict[str, str] = {}
    if isinstance(error, DomainError):
        status = status_of(error)
        body = envelope(request, code=error.code, message=error.message, details=error.details)
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        elif status == 503:
            headers["Retry-After"] = RETRY_SECONDS
    elif isinstance(error, exceptions.APIException):
        status, body = _of_api_exception(request, error)
        if challenge := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = challenge
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait) + 1)
    elif isinstance(error, RequestDataTooBig):
        status, body = 413, envelope(request, code=CODES[413], message="The body is larger than 1 MB.")
    elif isinstance(error, DataError):
        status, body = 400, envelope(request, code=CODES[400], message="A value is out of range.")
    elif isinstance(error, IntegrityError):
        status, body = 409, envelope(request, code=CODES[409], message="The change contradicts stored data.")
    elif isinstance(error, OperationalError | PoolTimeout) or _took_too_long(error):
        logger.warning("the database did not answer: %s", type(error).__name__)
        replace_dead_connections()
        status, body = 503, envelope(request, code=CODES[503], message="The database does not answer; retry.")
        headers["Retry-After"] = RETRY_SECONDS
    else:
        return None
    return Response(body, status=status, headers=headers)


def _took_too_long(error: Exception) -> bool:
    """Whether the database gave a request up that did nothing within its transaction for too long."""
    return isinstance(error, InternalError) and isinstance(error.__cause__, IdleInTransactionSessionTimeout)


def replace_dead_connections() -> None:
    """Where this connection was cut, so were the others of the pool: no other request shall meet them."""
    pool = getattr(connection, "pool", None)  # a property of the PostgreSQL backend alone
    if pool is not None and connection.connection is not None and connection.connection.closed:
        pool.drain()


def _of_api_exception(request: HttpRequest, error: exceptions.APIException) -> tuple[int, dict[str, Any]]:
    status = error.status_code
    code = CODES.get(status, "ERROR")
    if isinstance(error, exceptions.ValidationError):
        details = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        return status, envelope(
            request, code=code, message="Invalid request parameters", details=_named(details)
        )
    return status, envelope(request, code=code, message=str(error.detail))


def _named(details: Any) -> Any:
    """The same with texts as keys: what is wrong in a list is told by the places of its items."""
    if isinstance(details, dict):
        return {str(name): _named(value) for name, value in details.items()}
    return [_named(value) for value in details] if isinstance(details, list) else details


def _reply(request: HttpRequest, status: int, message: str) -> HttpResponse:
    body = envelope(request, code=CODES[status], message=message)
    return HttpResponse(dumps_exact(body), status=status, content_type="application/json")


def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The reply to a domain error that comes up outside of every view."""
    body = envelope(request, code=error.code, message=error.message, details=error.details)
    return HttpResponse(dumps_exact(body), status=status_of(error), content_type="application/json")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler400, reached outside DRF views (a foreign Host header, a malformed upload …)."""
    if isinstance(exception, RequestDataTooBig):
        return _reply(request, 413, "The body is larger than 1 MB.")
    return _reply(request, 400, "Bad request.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _reply(request, 403, "Forbidden.")


def reading_only(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Let GET and HEAD through to a view that changes nothing, and refuse every other method with 405."""

    @csrf_exempt  # or the missing token of a form would be named where the method is what is wrong
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        response = _reply(request, 405, f"Method {request.method!r} not allowed.")
        response["Allow"] = "GET, HEAD"
        return response

    return guarded


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _reply(request, 403, "The form's security token is missing or old; reload the page.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _reply(request, 404, "Not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    return _reply(request, 500, "Something went wrong on our side; the request id helps us find it.")
