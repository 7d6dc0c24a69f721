from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from stocks.errors import SandboxAndRealData
from stocks.models import Dataset
from stocks.providers.protocol import Streams
from stocks.providers.registry import providers, refuse_mixture

pytestmark = pytest.mark.django_db


def _hold(origin: str) -> None:
    Dataset.objects.filter(id=1).update(origin=origin)


def test_the_sandbox_is_a_provider_that_streams(settings):
    settings.MARKET_DATA = ["sandbox"]
    (sandbox,) = providers()
    assert sandbox.name == "sandbox"
    assert isinstance(sandbox, Streams)


def test_none_is_no_provider(settings):
    settings.MARKET_DATA = []
    assert list(providers()) == []


def test_a_name_that_is_none_is_refused_with_the_known_ones(settings):
    settings.MARKET_DATA = ["sandbux"]
    with pytest.raises(
        ImproperlyConfigured, match="sandbux; known are sandbox, yahoo, alpha_vantage, finnhub, kis and none"
    ):
        providers()


@pytest.mark.parametrize(
    ("origin", "names"),
    [("sandbox", ["sandbox"]), ("empty", ["sandbox"]), ("empty", []), ("real", []), ("real", ["yahoo"])],
)
def test_kinds_that_fit_are_let_through(settings, origin, names):
    _hold(origin)
    settings.MARKET_DATA = names
    refuse_mixture()


@pytest.mark.parametrize(
    ("origin", "names"),
    [("sandbox", []), ("sandbox", ["yahoo"]), ("real", ["sandbox"]), ("empty", ["sandbox", "yahoo"])],
)
def test_invented_and_real_figures_never_mix(settings, origin, names):
    _hold(origin)
    settings.MARKET_DATA = names
    with pytest.raises(SandboxAndRealData) as refused:
        refuse_mixture()
    assert "never mix" in refused.value.message
    assert "\n" not in refused.value.message
