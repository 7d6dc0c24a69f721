"""Price files that were adjusted at different dates, through `manage.py load_prices`."""

import pytest

from stocks.loading import table
from stocks.models import CorporateAction
from stocks.tests.loading_cases import bars, counts, list_stocks, load, rebases, version, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def samsung():
    return list_stocks("005930")[0]


def row(day: int, close: str, code: str = "005930") -> str:
    return f"{code},2025-06-{day:02d},{close},{close},{close},{close},10"


def closes(factor: int, first: int, last: int, code: str = "005930") -> list[str]:
    return [row(day, str((1000 + 10 * (day % 4)) * factor), code) for day in range(first, last + 1)]


def test_an_overlap_with_a_constant_ratio_is_joined_by_a_rebase(samsung, tmp_path):
    list_stocks("000660")
    load("load_prices", write(tmp_path / "x.csv", *closes(5, 1, 15), *closes(1, 1, 15, "000660")))
    second = write(tmp_path / "y.csv", *closes(1, 10, 25), *closes(1, 10, 25, "000660"))
    summary = load("load_prices", second, "--source", "krx")
    assert counts(summary) == (20, 6, 6, 0)
    assert summary["rebased"] == 1
    assert rebases("005930") == [("2025-06-10", "5")]
    assert rebases("000660") == []
    assert CorporateAction.objects.get().source == "krx"
    # The newer file's values stand where both have a day.
    assert {day: close for day, *_, close, _ in bars("005930")}["2025-06-10"] == "1020"


def test_the_second_run_changes_no_rebase(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", *closes(5, 1, 15)))
    second = write(tmp_path / "y.csv", *closes(1, 10, 25))
    load("load_prices", second)
    action = CorporateAction.objects.get()
    again = load("load_prices", second, "--force")
    assert (counts(again), again["rebased"]) == ((0, 0, 16, 0), 0)
    assert CorporateAction.objects.get().id == action.id
    assert version() == 2


def test_the_order_of_the_files_does_not_matter_for_what_is_read(samsung, tmp_path):
    load("load_prices", write(tmp_path / "y.csv", *closes(1, 10, 25)))
    load("load_prices", write(tmp_path / "x.csv", *closes(5, 1, 15)))
    assert rebases("005930") == [("2025-06-16", "5")]


def test_loading_the_older_file_again_moves_the_rebase(samsung, tmp_path):
    older = write(tmp_path / "x.csv", *closes(5, 1, 15))
    newer = write(tmp_path / "y.csv", *closes(1, 10, 25))
    load("load_prices", older)
    load("load_prices", newer)
    assert load("load_prices", older, "--force")["rebased"] == 1
    assert rebases("005930") == [("2025-06-16", "5")]
    assert load("load_prices", newer, "--force")["rebased"] == 1
    assert rebases("005930") == [("2025-06-10", "5")]


def test_a_part_day_snapshot_at_the_end_of_the_older_file_does_not_hide_it(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", *closes(5, 1, 14), row(15, "4321")))
    assert load("load_prices", write(tmp_path / "y.csv", *closes(1, 10, 25)))["rebased"] == 1


def test_two_common_days_besides_the_last_prove_nothing(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", *closes(5, 1, 12)))
    summary = load("load_prices", write(tmp_path / "y.csv", *closes(1, 10, 25)))
    assert (summary["rebased"], summary["unjoined"]) == (0, 0)


def test_a_ratio_that_is_not_constant_is_said_and_not_joined(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", *closes(5, 1, 15)))
    rows = [*closes(5, 10, 12), *closes(1, 13, 25)]
    summary = load("load_prices", write(tmp_path / "y.csv", *rows))
    assert (summary["rebased"], summary["unjoined"], summary["unjoined_codes"]) == (0, 1, ["005930"])


def test_a_refused_row_of_the_newer_file_leaves_the_older_one_on_its_basis(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", *closes(5, 1, 15)))
    rows = closes(1, 10, 25)
    rows[2] = "005930,2025-06-12,5,1,1,1,1"
    assert load("load_prices", write(tmp_path / "y.csv", *rows))["refused"] == 1
    assert rebases("005930") == [("2025-06-10", "5"), ("2025-06-12", "0.2"), ("2025-06-13", "5")]


def test_days_in_any_order_are_joined_alike(samsung, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 3)
    list_stocks("000660")
    older = [*closes(5, 1, 15), *closes(2, 1, 15, "000660")]
    newer = [*closes(1, 10, 25), *closes(1, 10, 25, "000660")]
    load("load_prices", write(tmp_path / "x.csv", *sorted(older, key=lambda line: line[7:17])))
    load(
        "load_prices",
        write(tmp_path / "y.csv", *sorted(newer, key=lambda line: line[7:17], reverse=True)),
    )
    assert (rebases("005930"), rebases("000660")) == ([("2025-06-10", "5")], [("2025-06-10", "2")])
