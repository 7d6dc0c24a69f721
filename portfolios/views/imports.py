"""The ledger of a portfolio from files, and as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.errors import ImportRefused
from portfolios.importing.layout import Layout
from portfolios.selectors.exporting import exported
from portfolios.selectors.imports import imports_of, report_of
from portfolios.serializers import imports as shapes
from portfolios.serializers.bodies import TransactionFilter
from portfolios.services.imports.reporting import unpacked
from portfolios.services.imports.running import Imported, portfolio_import
from portfolios.services.imports.stocks import stocks_named
from portfolios.views.base import IDEMPOTENCY, TAGS, Effect, LedgerView, PortfolioView, once
from portfolios.views.uploads import CsvFile, FormWithFile

CSV = "text/csv; charset=utf-8"


class CsvAlways(DefaultContentNegotiation):
    """The reply is CSV whatever is accepted; errors are JSON."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ImportView(LedgerView):
    parser_classes = (CsvFile, FormWithFile)

    @extend_schema(
        operation_id="portfolios_transactions_import",
        tags=TAGS,
        summary="Read a CSV file into the ledger: all of its new rows, or none",
        description="The body is the file (`text/csv`, options in the query) or a form that holds it,"
        " of at most 32 MB and 200,000 rows. `dry_run` answers what would happen. 422 `IMPORT_REFUSED` names"
        " the rows that cannot be taken.",
        parameters=[IDEMPOTENCY, shapes.ImportOptions],
        request={"multipart/form-data": shapes.ImportBody},
        responses={201: shapes.ImportReply, 200: shapes.ImportReply},
    )
    def post(self, request: Request, portfolio_id: UUID) -> Response | HttpResponse:
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)

        def prepare() -> Effect:
            values = shapes.ImportBody.parse(request.data)
            layout = values.get("mapping", Layout())
            named = stocks_named(values["file"], layout, now=now)

            def effect() -> tuple[int, Any]:
                done = portfolio_import(
                    portfolio=portfolio,
                    upload=values["file"],
                    layout=layout,
                    named=named,
                    dry_run=values["dry_run"],
                    now=now,
                )
                if done.run.refused and not done.run.dry_run:
                    return self._refusal(done)
                return 200 if done.run.dry_run else 201, shapes.import_reply(done)

            return effect

        return once(self, request, now, prepare)

    def _refusal(self, done: Imported) -> tuple[int, Any]:
        """The error of a refused file as a reply: raised, it would take the report along."""
        error = ImportRefused(**shapes.refused_details(done))
        reply = self.get_exception_handler()(error, self.get_exception_handler_context())
        assert reply is not None
        return reply.status_code, reply.data


class ImportListView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_imports_list",
        tags=TAGS,
        summary="The last files that were read into a portfolio, or looked at, the newest first",
        responses=shapes.ImportListReply,
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        runs = imports_of(self.portfolio(request, portfolio_id))
        return Response({"imports": [shapes.import_summary(run) for run in runs]})


class ImportReportView(PortfolioView):
    content_negotiation_class = CsvAlways

    @extend_schema(
        operation_id="portfolios_imports_report",
        tags=TAGS,
        summary="What became of every row of a file, as CSV",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, portfolio_id: UUID, import_id: UUID) -> StreamingHttpResponse:
        report = report_of(self.portfolio(request, portfolio_id), import_id)
        return _attachment(unpacked(report), f"import_{import_id}.csv")


class ExportView(PortfolioView):
    content_negotiation_class = CsvAlways

    @extend_schema(
        operation_id="portfolios_transactions_export",
        tags=TAGS,
        summary="The ledger as CSV, oldest row first, in the layout that import reads",
        parameters=[TransactionFilter],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, portfolio_id: UUID) -> StreamingHttpResponse:
        portfolio = self.portfolio(request, portfolio_id)
        filters = TransactionFilter.read(request.query_params)
        return _attachment(exported(portfolio, **filters), f"transactions_{portfolio.pk}.csv")


def _attachment(pieces: Iterable[str] | Iterable[bytes], name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        pieces, content_type=CSV, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
