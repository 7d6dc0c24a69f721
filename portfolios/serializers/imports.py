"""How a file is to be read, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import TextField
from accounts.strict import StrictSerializer
from portfolios.importing.cells import ISO, is_date_format
from portfolios.importing.layout import DELIMITERS, ENCODINGS, MAPPED, MEANINGS, NEEDED, Layout
from portfolios.importing.upload import Upload
from portfolios.models import ImportRun
from portfolios.money import money, unit_cost
from portfolios.services.imports.reporting import ReportedRow
from portfolios.services.imports.running import Imported
from stocks.serializers.fields import maybe, number, one_of

_MOST_TYPES = 200
_LONGEST = 200
#: Of two rows of the same moment.
ROW_ORDERS = ["oldest_first", "newest_first"]


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "minLength": 1, "maxLength": _LONGEST},
            {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": _LONGEST},
                "minItems": 1,
                "maxItems": 3,
            },
        ]
    }
)
class _Names(serializers.Field[Sequence[str], Any, Any, Any]):
    """The name of a column, or a list of names whose cells are joined by a space."""

    def to_internal_value(self, data: Any) -> Sequence[str]:
        names = [data] if isinstance(data, str) else data
        if (
            not isinstance(names, list)
            or not 0 < len(names) <= 3
            or not all(isinstance(name, str) and 0 < len(name.strip()) <= _LONGEST for name in names)
        ):
            raise serializers.ValidationError("must be the name of a column, or a list of up to three")
        return names


class _ColumnsField(serializers.DictField):
    child = _Names()

    def to_internal_value(self, data: Any) -> dict[str, Sequence[str]]:
        values: dict[str, Sequence[str]] = super().to_internal_value(data)
        if unknown := sorted(set(values) - set(MAPPED)):
            raise serializers.ValidationError(f"{unknown[0][:40]!r} is none of {', '.join(MAPPED)}")
        return values


class _TypesField(serializers.DictField):
    child = TextField(max_length=20)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        values: dict[str, str] = super().to_internal_value(data)
        if len(values) > _MOST_TYPES:
            raise serializers.ValidationError(f"has more than {_MOST_TYPES} words")
        found: dict[str, str] = {}
        for word, meaning in values.items():
            if meaning.upper() not in MEANINGS:
                raise serializers.ValidationError(f"{meaning!r} is none of {', '.join(MEANINGS)}")
            if found.setdefault(word.strip().upper(), meaning.upper()) != meaning.upper():
                raise serializers.ValidationError(f"{word[:40]!r} has two meanings")
        return found


class _ConstantsField(serializers.DictField):
    child = TextField(max_length=32)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        values: dict[str, str] = super().to_internal_value(data)
        if unknown := sorted(set(values) - {"type", "stock_code", "currency"}):
            raise serializers.ValidationError(f"{unknown[0][:40]!r} is none of type, stock_code, currency")
        return values


class MappingBody(StrictSerializer):
    """How a file of another layout is read: its columns by ours, its words, numbers and days."""

    columns = _ColumnsField(help_text="Their name by ours; a list of names is joined by a space.")
    types = _TypesField(
        required=False,
        help_text="What their words mean: a type, SKIP, or TRADE, CASH, TRANSFER, whose sign decides.",
    )
    constants = _ConstantsField(required=False, help_text="type, stock_code, currency of every row.")
    date_format = TextField(
        max_length=40, default=ISO, help_text="ISO, or of YYYY MM MMM DD HH mm ss, such as DD.MM.YYYY."
    )
    time_zone = TextField(max_length=64, default="UTC", help_text="Of times that name none.")
    decimal = one_of([".", ","], default=".")
    thousands = serializers.ChoiceField(["", ",", ".", " ", "'", "\u00a0"], default="")
    delimiter = one_of(list(DELIMITERS), default="comma")
    encoding = one_of(list(ENCODINGS), default="utf-8")
    header_line = serializers.IntegerField(min_value=1, max_value=100, default=1)
    order = one_of(
        ROW_ORDERS,
        default="oldest_first",
        help_text="Which of two rows of the same moment comes first.",
    )
    signs = one_of(["strict", "drop"], default="strict", help_text="drop: −5 stands for 5.")
    unused = one_of(
        ["refuse", "drop"], default="refuse", help_text="drop: a figure that the type does not have is none."
    )

    def validate_date_format(self, value: str) -> str:
        if not is_date_format(value):
            raise serializers.ValidationError("must be ISO, or hold YYYY, MM or MMM, and DD, each once")
        return value

    def validate_time_zone(self, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise serializers.ValidationError("must be a time zone such as Asia/Seoul") from None
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        known = {*attrs["columns"], *attrs.get("constants", {})}
        if missing := [name for name in NEEDED if name not in known]:
            raise serializers.ValidationError({"columns": f"must name a column for {missing[0]}"})
        if both := sorted(set(attrs["columns"]) & set(attrs.get("constants", {}))):
            raise serializers.ValidationError({"constants": f"{both[0]} has a column too"})
        if attrs["decimal"] == attrs["thousands"]:
            raise serializers.ValidationError({"thousands": "must be another sign than the decimal one"})
        return attrs


@extend_schema_field(MappingBody)
class MappingField(serializers.Field[Layout, Any, Any, Any]):
    """A mapping as the text of a JSON object."""

    def to_internal_value(self, data: Any) -> Layout:
        if not isinstance(data, str) or len(data) > 20_000:
            raise serializers.ValidationError(
                "must be the text of a JSON object of at most 20,000 characters"
            )
        try:
            given = json.loads(data, object_pairs_hook=_once_each)
        except (ValueError, RecursionError) as error:
            raise serializers.ValidationError(f"is no JSON: {error}") from None
        if not isinstance(given, Mapping):
            raise serializers.ValidationError("must be a JSON object")
        values = MappingBody.parse(given)
        return Layout(
            columns=values["columns"],
            types=values.get("types", {}),
            constants=values.get("constants", {}),
            date_format=values["date_format"],
            time_zone=values["time_zone"],
            decimal=values["decimal"],
            thousands=values["thousands"],
            delimiter=DELIMITERS[values["delimiter"]],
            encoding=values["encoding"],
            header_line=values["header_line"],
            newest_first=values["order"] == "newest_first",
            drop_signs=values["signs"] == "drop",
            drop_unused=values["unused"] == "drop",
        )


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


@extend_schema_field({"type": "string", "format": "binary"})
class UploadField(serializers.Field[Upload, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Upload:
        if not isinstance(data, Upload):
            raise serializers.ValidationError("must be a file")
        return data


class ImportBody(StrictSerializer):
    """A file and how it is read; without a mapping it has the layout of the export."""

    file = UploadField()
    mapping = MappingField(required=False)
    dry_run = serializers.BooleanField(default=False, help_text="Say what would happen; write nothing.")


class ImportOptions(StrictSerializer):
    """What stands in the query where the body is the bare file."""

    mapping = TextField(required=False, help_text="A JSON object, see ImportBody.")
    dry_run = serializers.BooleanField(default=False)


class ReportedRowReply(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Of the file, from 1.")
    status = serializers.CharField(help_text="new, duplicate, refused or skipped")
    column = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    transaction_id = serializers.UUIDField(allow_null=True)


class ImportSummaryReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    dry_run = serializers.BooleanField()
    imported = serializers.BooleanField(help_text="Whether the new rows stand in the ledger.")
    rows = serializers.IntegerField()
    new = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    refused = serializers.IntegerField()
    skipped = serializers.IntegerField()
    sha256 = serializers.CharField()
    report_url = serializers.CharField(help_text="Every row, as CSV.")


class ImportedHoldingReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    quantity = number()
    average_price = maybe()
    total_invested = number()
    realized = number()
    income = number()
    currency = serializers.CharField()


class ImportedCashReply(serializers.Serializer[Any]):
    currency = serializers.CharField()
    amount = number()


class ImportReply(ImportSummaryReply):
    report = ReportedRowReply(many=True, help_text="The first 100: refused rows, duplicates, then others.")
    report_truncated = serializers.BooleanField()
    base_currency = serializers.CharField(allow_null=True)
    holdings = ImportedHoldingReply(
        many=True, allow_null=True, help_text="Of the stocks of the file, after it; null where it is refused."
    )
    cash = ImportedCashReply(many=True, allow_null=True)


class ImportListReply(serializers.Serializer[Any]):
    imports = ImportSummaryReply(many=True)


def import_summary(run: ImportRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "created_at": run.created_at,
        "dry_run": run.dry_run,
        "imported": run.imported,
        "rows": run.rows,
        "new": run.new,
        "duplicates": run.duplicates,
        "refused": run.refused,
        "skipped": run.rows - run.new - run.duplicates - run.refused,
        "sha256": bytes(run.digest).hex(),
        "report_url": f"/v1/portfolios/{run.portfolio_id}/transactions/imports/{run.pk}/report",
    }


def refused_details(done: Imported) -> dict[str, Any]:
    """What the error of a refused file tells beside its message."""
    return {**import_summary(done.run), **_report(done)}


def import_reply(done: Imported) -> dict[str, Any]:
    return {
        **import_summary(done.run),
        **_report(done),
        "base_currency": done.base_currency or None,
        "holdings": None
        if done.holdings is None
        else [
            {
                "stock_code": one.stock.code,
                "quantity": one.quantity,
                "average_price": unit_cost(one.cost, one.quantity),
                "total_invested": money(one.cost, one.stock.currency),
                "realized": money(one.realized, one.stock.currency),
                "income": money(one.income, one.stock.currency),
                "currency": one.stock.currency,
            }
            for one in done.holdings
        ],
        "cash": None
        if done.cash is None
        else [
            {"currency": one.currency, "amount": money(one.amount, one.currency)}
            for one in done.cash
            if one.amount != Decimal(0)
        ],
    }


def _report(done: Imported) -> dict[str, Any]:
    return {
        "report": [_row(row) for row in done.shown],
        "report_truncated": len(done.shown) < done.run.rows,
    }


def _row(row: ReportedRow) -> dict[str, Any]:
    return {
        "line": row.line,
        "status": row.status,
        "column": row.column or None,
        "reason": row.reason or None,
        "transaction_id": row.transaction,
    }
