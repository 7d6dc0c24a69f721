"""What every request is read by: nothing unknown, nothing twice, nothing of another type."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from rest_framework import serializers

from accounts.fields import TextField, TruthField, WholeNumberField
from accounts.strict import StrictSerializer


class Query(StrictSerializer):
    symbol = TextField()
    code = TextField(required=False)
    sector = TextField(required=False, allow_blank=True)
    day = serializers.DateField(required=False)
    limit = serializers.IntegerField(default=50)
    unread = serializers.BooleanField(default=False)


class Body(StrictSerializer):
    on = TruthField(required=False)
    seconds = WholeNumberField(required=False)


def test_a_query_is_read_and_what_it_leaves_out_is_filled_in():
    query = Query.parse(QueryDict("symbol=A&code=AAPL&unread=true"))
    assert query == {"symbol": "A", "code": "AAPL", "limit": 50, "unread": True}
    assert Query.parse(QueryDict("symbol=A")) == {"symbol": "A", "limit": 50, "unread": False}


def test_an_empty_parameter_counts_as_not_given():
    query = Query.parse(QueryDict("symbol=A&code=&day=&limit="))
    assert query == {"symbol": "A", "limit": 50, "unread": False}
    with pytest.raises(serializers.ValidationError):
        Query.parse(QueryDict("symbol="))


def test_a_parameter_that_may_be_empty_is_taken_empty():
    assert Query.parse(QueryDict("symbol=A&sector="))["sector"] == ""


@pytest.mark.parametrize("query", ["symbol=A&code=A&code=B", "symbol=A&other=1"])
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
