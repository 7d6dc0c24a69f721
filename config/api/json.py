"""Strict JSON in, exact JSON out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any

import orjson
from django.http.request import RawPostDataException
from django.utils.functional import Promise
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from config.api.limits import MAX_BODY_BYTES, BodyTooLarge
from realtime.protocol.encoding import json_form

MAX_DEPTH = 32
MAX_DIGITS = 400


class StrictJSONParser(BaseParser):
    """Parses a request body, or refuses it with 400 and the reason.

    Numbers with a fraction become Decimal. Refused: more than 1 MB (413), deeper than 32 levels, NaN and
    infinities, numbers beyond a double's range, duplicate keys, NUL characters and lone surrogates.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            raw = stream.read(MAX_BODY_BYTES + 1)
        except RawPostDataException as error:
            raise ParseError("the body was already read") from error
        if len(raw) > MAX_BODY_BYTES:
            raise BodyTooLarge
        return loads_strict(raw)


def loads_strict(raw: bytes) -> Any:
    """Decode JSON by the rules above; raises ParseError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(f"the body is not UTF-8 (byte {error.start})") from None
    _check_depth(text)
    try:
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise ParseError(f"invalid JSON: {error}") from None
    _check_texts(value)
    return value


def _check_depth(text: str) -> None:
    depth, inside_text, escaped = 0, False, False
    for character in text:
        if inside_text:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside_text = False
        elif character == '"':
            inside_text = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ParseError(f"the JSON is deeper than {MAX_DEPTH} levels")
        elif character in "]}":
            depth -= 1


def _decimal(text: str) -> Decimal:
    refused = ParseError(f"the number {text[:40]} is out of range")
    if len(text) > MAX_DIGITS:
        raise refused
    try:
        number = Decimal(text)
    except InvalidOperation:
        # Its exponent is beyond what even a Decimal has.
        raise refused from None
    if number and not -308 <= number.adjusted() <= 308:
        raise refused
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ParseError(f"the number {text[:40]}… is out of range")
    return int(text)


def _refuse_constant(text: str) -> Any:
    raise ParseError(f"{text} is not a JSON number")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ParseError("an object names the same key twice")
    return result


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value or (not value.isprintable() and any("\ud800" <= c <= "\udfff" for c in value)):
            raise ParseError("a text holds a NUL character or half of a surrogate pair")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)


class ExactJSONRenderer(BaseRenderer):
    """Writes JSON with Decimals as the numbers they are, times in UTC with milliseconds and ``Z``."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else dumps_exact(data)


def dumps_exact(value: Any) -> bytes:
    """``value`` as JSON bytes; NaN and infinities, which JSON lacks, become null."""
    return orjson.dumps(value, default=_encode, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _encode(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return list(value)
    return json_form(value)
