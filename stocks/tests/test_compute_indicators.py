import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from stocks.models import LatestIndicators
from stocks.tests.bar_cases import add_bars, make_stock

pytestmark = pytest.mark.django_db


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    call_command("compute_indicators", *arguments)
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_it_works(capsys: pytest.CaptureFixture[str]):
    add_bars(make_stock("000001"), [100, 101])
    make_stock("000002")
    summary = run(capsys, "--all")
    assert summary.pop("seconds") >= 0
    assert summary == {
        "stocks": 2,
        "computed": 1,
        "skipped": 1,
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "rescored": 0,
    }


@pytest.mark.parametrize(
    ("arguments", "computed"),
    [
        ([], ["000001", "000002", "000003"]),
        (["000001", "000003"], ["000001", "000003"]),
        (["--market", "KOSDAQ"], ["000003"]),
        (["000003", "--market", "KOSDAQ"], ["000003"]),
    ],
)
def test_it_computes_what_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], computed: list[str]
):
    for code, market in (("000001", "KOSPI"), ("000002", "KOSPI"), ("000003", "KOSDAQ")):
        add_bars(make_stock(code, market_id=market), [100, 101])
    assert run(capsys, *arguments)["computed"] == len(computed)
    assert list(LatestIndicators.objects.order_by("stock__code").values_list("stock__code", flat=True)) == (
        computed
    )


def test_a_day_can_be_named(capsys: pytest.CaptureFixture[str]):
    days = add_bars(make_stock("000001"), [100, 101, 102])
    run(capsys, "--as-of", days[1].isoformat())
    assert LatestIndicators.objects.values_list("close_price", flat=True).get() == 101.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["999999"], "No stock has the code '999999'"),
        (["--market", "NOWHERE"], "There is no market 'NOWHERE'"),
        (["--all", "000001"], "--all stands alone"),
        (["--as-of", "yesterday"], "invalid fromisoformat value: 'yesterday'"),
    ],
)
def test_a_mistake_is_answered_by_one_clear_line(arguments: list[str], message: str):
    add_bars(make_stock("000001"), [100, 101])
    with pytest.raises(CommandError, match=message) as raised:
        call_command("compute_indicators", *arguments)
    assert "\n" not in str(raised.value) and raised.value.returncode != 0
    assert not LatestIndicators.objects.exists()


def test_computing_nothing_is_a_failure_that_still_says_what_was_tried(capsys: pytest.CaptureFixture[str]):
    make_stock("000001")
    with pytest.raises(CommandError, match="none of these stocks has bars") as raised:
        call_command("compute_indicators")
    assert raised.value.returncode == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["skipped"] == 1
