"""Times as one writes them on a command line: `24h`, `30d`, `2027-01-01`."""

import re
from datetime import UTC, datetime

from oneai.errors import BadField

_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_YEARS = range(1970, 3000)
ACCEPTED = "a span such as 90m, 24h, 7d or 4w, or a date such as 2027-01-31 (UTC)"


def span_s(option: str, given: str) -> float:
    """The seconds of a span. Raises BadField."""
    found = _span_s(given)
    if not found:
        raise BadField(field=option, found=repr(given[:40]), accepted="a span such as 90m, 24h, 7d or 4w")
    return found


def since(option: str, given: str, now: float) -> float:
    """The past moment that a span back from `now`, or a date, means; seconds since the epoch. Raises BadField."""
    moment = _moment(option, given, -1, now)
    if moment > now:
        raise BadField(field=option, found=repr(given[:40]), accepted=f"a time that is past: {ACCEPTED}")
    return moment


def until(option: str, given: str, now: float) -> float:
    """The coming moment that a span from `now`, or a date, means; seconds since the epoch. Raises BadField."""
    moment = _moment(option, given, 1, now)
    if moment <= now:
        raise BadField(field=option, found=repr(given[:40]), accepted=f"a time to come: {ACCEPTED}")
    return moment


def read(text: str | None) -> float | None:
    """A stored time as seconds since the epoch; None for nothing, and for what is no time."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def shown(text: str | None) -> str:
    """A stored time for people: to the minute, in UTC."""
    moment = read(text)
    if moment is None:
        return text or "–"
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%MZ")


def _moment(option: str, given: str, way: int, now: float) -> float:
    if (span := _span_s(given)) is not None:
        moment = now + way * span
    elif (date := read(given.strip())) is not None:
        moment = date
    else:
        raise BadField(field=option, found=repr(given[:40]), accepted=ACCEPTED)
    if not _within(moment):
        raise BadField(field=option, found=repr(given[:40]), accepted=f"a year of our time: {ACCEPTED}")
    return moment


def _span_s(given: str) -> float | None:
    match = _SPAN.fullmatch(given.strip().lower())
    return int(match[1]) * _SECONDS[match[2]] if match else None


def _within(moment: float) -> bool:
    first, last = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (_YEARS.start, _YEARS.stop))
    return first <= moment < last
