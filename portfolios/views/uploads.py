"""Bodies that are a file: bare CSV with its options in the query, or a form that holds it among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser

from portfolios.errors import FileTooLarge
from portfolios.importing.limits import MAX_FILE_BYTES
from portfolios.importing.upload import Upload

#: The part of a form that is the file.
FILE = "file"
# Beside the file a form has a few options and its boundaries.
_MAX_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024


class CsvFile(BaseParser):
    """``text/csv``: the body is the file, the options are those of the query."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = dict(parser_context or {})["request"]
        _refuse_long(request._request, MAX_FILE_BYTES)
        data: MultiValueDict[str, Any] = MultiValueDict(dict(request.query_params.lists()))
        if FILE in data:
            raise ParseError("the file is the body, and no parameter")
        data[FILE] = Upload().take(stream)
        return data


class FormWithFile(MultiPartParser):
    """``multipart/form-data`` with one file, and options as further fields; the query may have some too."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = dict(parser_context or {})
        request = context["request"]
        _refuse_long(request._request, _MAX_FORM_BYTES)
        handler = _OneFile(request._request)
        request._request.upload_handlers = [handler]
        parsed = super().parse(stream, media_type, {**context, "encoding": "utf-8"})
        data: MultiValueDict[str, Any] = MultiValueDict(dict(parsed.data.lists()))
        for name, values in request.query_params.lists():
            data.setlistdefault(name).extend(values)
        if FILE in data:
            raise ParseError(f"{FILE} is a file, and no text")
        if handler.upload is not None:
            data[FILE] = handler.upload
        return data


class _OneFile(FileUploadHandler):
    """Takes the part ``file`` as it comes, and refuses any other file."""

    upload: Upload | None = None

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.upload = None

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        if field_name != FILE or self.upload is not None:
            raise ParseError(f"one file is taken, as {FILE}")
        super().new_file(field_name, *args, **kwargs)
        self.upload = Upload()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.upload is not None
        self.upload.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        return None

    def upload_interrupted(self) -> None:
        self.upload = None


def _refuse_long(request: HttpRequest, most: int) -> None:
    """Refuse by its length a body that would be refused by its content later."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > most:
        raise FileTooLarge(f"The file is larger than {MAX_FILE_BYTES // 1024**2} MB.")
