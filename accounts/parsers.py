"""Form bodies beside JSON: fields only, at most 1 MB, always UTF-8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any, NoReturn, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser
from rest_framework.settings import api_settings


class NoFiles(FileUploadHandler):
    """Refuses the first file before a byte of it reaches the disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ParseError("files are not accepted here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> NoReturn:
        raise ParseError("files are not accepted here")

    def file_complete(self, file_size: int) -> None:
        return None


class MultiPartFields(MultiPartParser):
    """multipart/form-data without files. The limit holds for the whole body, its padding included."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = dict(parser_context or {})
        request = context["request"]._request
        if int(request.META.get("CONTENT_LENGTH") or 0) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            raise RequestDataTooBig
        request.upload_handlers = [NoFiles(request)]
        return super().parse(stream, media_type, {**context, "encoding": "utf-8"})


class UrlEncodedFields(FormParser):
    """application/x-www-form-urlencoded, whatever charset the request names."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})


# The strict JSON parser is known to the settings alone, which name it for the whole API.
JSON_OR_FORM: Sequence[type[BaseParser]] = (
    *cast("Sequence[type[BaseParser]]", api_settings.DEFAULT_PARSER_CLASSES),
    MultiPartFields,
    UrlEncodedFields,
)
