"""What every request is read by: nothing unknown, nothing twice, nothing empty, nothing of another type."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from rest_framework import serializers

from accounts.fields import TextField, TruthField, WholeNumberField
from accounts.strict import StrictSerializer


class Query(StrictSerializer):
    code = TextField(required=False)
    sector = TextField(required=False, allow_blank=True)
    day = serializers.DateField(required=False)
    limit = serializers.IntegerField(default=50)
    unread = serializers.BooleanField(default=False)


class Body(StrictSerializer):
    on = TruthField(required=False)
    seconds = WholeNumberField(required=False)


def test_a_query_is_read_and_what_it_leaves_out_is_filled_in():
    query = Query.parse(QueryDict("code=AAPL&unread=true"))
    assert query == {"code": "AAPL", "limit": 50, "unread": True}
    assert Query.parse(QueryDict("")) == {"limit": 50, "unread": False}


@pytest.mark.parametrize("name", ["code", "day", "limit", "unread"])
def test_an_empty_parameter_is_refused_rather_than_passed_over(name: str):
    with pytest.raises(serializers.ValidationError) as refused:
        Query.parse(QueryDict(f"{name}="))
    assert list(refused.value.detail) == [name]


def test_a_parameter_that_may_be_empty_is_taken_empty():
    assert Query.parse(QueryDict("sector="))["sector"] == ""


@pytest.mark.parametrize("query", ["code=A&code=B", "other=1"])
def test_what_is_unknown_or_given_twice_is_refused(query: str):
    with pytest.raises(serializers.ValidationError):
        Query.parse(QueryDict(query))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("on", "true"), ("on", "on"), ("on", 1), ("on", 0), ("on", None), ("on", [])),
        *(("seconds", "5"), ("seconds", 5.0), ("seconds", True), ("seconds", None)),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object):
    with pytest.raises(serializers.ValidationError):
        Body.parse({name: value})


def test_values_of_their_type_are_taken():
    assert Body.parse({"on": False, "seconds": 5}) == {"on": False, "seconds": 5}
