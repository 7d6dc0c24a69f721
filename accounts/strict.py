"""Input that is refused rather than guessed: the serializer base of every endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer for request input that names every field it does not know.

    Used alike for bodies and for query parameters, where a parameter given twice is refused too. An empty one
    counts as not given, as forms send it.
    """

    @classmethod
    def parse(cls, data: Any, **context: Any) -> dict[str, Any]:
        """Validate ``data`` and return the values, or raise DRF's ValidationError (400)."""
        serializer = cls(data=data, context=context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, list[str]] = {}
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            for name in data:
                if name not in known:
                    errors[str(name)] = ["unknown field; allowed: " + ", ".join(sorted(known))]
                elif hasattr(data, "getlist") and len(data.getlist(name)) > 1:
                    errors[str(name)] = ["given more than once"]
        if errors:
            raise serializers.ValidationError(errors)
        return super().to_internal_value(data)
