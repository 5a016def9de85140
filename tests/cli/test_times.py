"""Times as they are written on a command line."""

import pytest

from oneai.cli import times
from oneai.errors import BadField

NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC


@pytest.mark.parametrize(
    ("given", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7D", 604_800), ("2w", 1_209_600)]
)
def test_a_span_goes_back_and_forth(given: str, seconds: float) -> None:
    assert times.since("--since", given, NOW) == NOW - seconds
    assert times.until("--expires", given, NOW) == NOW + seconds
    assert times.span_s("--grace", given) == seconds


def test_a_date_is_midnight_in_utc() -> None:
    assert times.since("--since", "2027-01-15", NOW) == NOW - 8 * 3600
    assert times.until("--expires", "2027-01-16T08:00:00+01:00", NOW) == NOW + 23 * 3600


@pytest.mark.parametrize("given", ["", "soon", "7", "d", "-7d", "7 years", "2027-13-01", "9999999d", "1e9d"])
def test_what_is_no_time_is_refused_with_what_is(given: str) -> None:
    with pytest.raises(BadField, match="24h"):
        times.since("--since", given, NOW)


def test_a_beginning_in_the_future_and_an_end_in_the_past_are_refused() -> None:
    with pytest.raises(BadField, match="past"):
        times.since("--since", "2027-02-01", NOW)
    with pytest.raises(BadField, match="to come"):
        times.until("--expires", "2026-01-01", NOW)
    with pytest.raises(BadField, match="to come"):
        times.until("--expires", "0d", NOW)


@pytest.mark.parametrize("given", ["0h", "2027-01-01"])
def test_a_span_of_nothing_and_a_date_are_no_span(given: str) -> None:
    with pytest.raises(BadField):
        times.span_s("--grace", given)


def test_a_stored_time_is_shown_to_the_minute_and_another_text_as_it_is() -> None:
    assert times.shown("2027-01-15T08:00:59.999Z") == "2027-01-15 08:00Z"
    assert times.shown("infinity") == "infinity"
    assert times.shown(None) == "–"
