"""Hourly roll-ups of usage: latency buckets, percentiles from them, and totals of groups.

A latency's bucket is floor(log(ms) / log(1.05)), from 0 (1 ms) to 309 (an hour and beyond). A bucket is 5 % wide and
read at its middle, so a percentile is off by 5 % at most; under 20 ms no bucket holds two whole numbers.
migrations/0003_usage_hourly.sql has the same formula and constants.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from oneai.errors import StoreRefused
from oneai.store import UsageLine
from oneai.types import Row

GROWTH = 1.05
LAST = 309
COLUMNS = {"model": "model_code", "key": "key_name", "task": "task"}
"""The column of a roll-up, and of a usage row, that `UsageQuery.by` groups by."""
LABELS = ("hour", "model_code", "task", "key_name")
SUMS = ("calls", "errors", "tokens_in", "tokens_out", "cost_usd")


def bucket(latency_ms: int) -> int:
    """The bucket that a latency falls into."""
    return min(int(math.log(max(latency_ms, 1)) / math.log(GROWTH)), LAST)


def middle(number: int) -> int:
    """The latency in ms that a bucket stands for."""
    return round(math.pow(GROWTH, number + 0.5))


def percentile(counts: Mapping[int, int], percent: int) -> int | None:
    """The nearest-rank percentile of values that occur so many times; None of nothing."""
    rank = -(-percent * sum(counts.values()) // 100)
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    return None


def column(by: str) -> str:
    """The column that `by` groups by; StoreRefused when there is none."""
    if by not in COLUMNS:
        raise StoreRefused(why=f"usage goes by {', '.join(COLUMNS)}, not by {by!r}")
    return COLUMNS[by]


def hour(moment: str) -> str:
    """The hour of a moment in our fixed-width form."""
    return f"{moment[:13]}:00:00.000Z"


def hourly(rows: Iterable[Row]) -> list[Row]:
    """Usage rows added up to `usage_hourly` rows, one per hour, model, task and key."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        labels = (row["created_at"][:13], row["model_code"], row["task"], row.get("key_name") or "")
        if (total := found.get(labels)) is None:
            total = found[labels] = _alone(row, bucket) | {"hour": hour(row["created_at"])}
        else:
            _count(total, row)
    return list(found.values())


def _count(total: Row, row: Row) -> None:
    """Add one row to a roll-up that is still our own to change."""
    total["calls"] += 1
    total["errors"] += row["success"] is False
    total["tokens_in"] += row["tokens_in"] or 0
    total["tokens_out"] += row["tokens_out"] or 0
    total["cost_usd"] += row["cost_usd"] or 0.0
    if row["success"] and row["latency_ms"] is not None:
        number = str(bucket(row["latency_ms"]))
        total["latency"][number] = total["latency"].get(number, 0) + 1


def exact(rows: Iterable[Row]) -> Iterator[Row]:
    """Usage rows in the shape of roll-ups, one each, whose latencies are counted by the ms."""
    for row in rows:
        yield _alone(row, int)


def _alone(row: Row, number: Callable[[int], int]) -> Row:
    timed = row["success"] and row["latency_ms"] is not None
    return {
        "model_code": row["model_code"],
        "task": row["task"],
        "key_name": row.get("key_name") or "",
        "calls": 1,
        "errors": int(row["success"] is False),
        "tokens_in": row["tokens_in"] or 0,
        "tokens_out": row["tokens_out"] or 0,
        "cost_usd": row["cost_usd"] or 0.0,
        "latency": {str(number(row["latency_ms"])): 1} if timed else {},
    }


def add(kept: Row | None, more: Row) -> Row:
    """Two roll-ups of the same hour, model, task and key as one."""
    if kept is None:
        return more
    sums = {name: kept[name] + more[name] for name in SUMS}
    latency = dict(kept["latency"])
    for number, count in more["latency"].items():
        latency[number] = latency.get(number, 0) + count
    return kept | sums | {"latency": latency}


def lines(rows: Iterable[Row], by: str, at: Callable[[int], int] = middle) -> list[UsageLine]:
    """Roll-ups added up by `by` (model, key or task), most calls first; `at` is the ms that a count's number means."""
    group = column(by)
    sums: dict[str, list[float]] = {}
    latency: dict[str, dict[int, int]] = {}
    for row in rows:
        total = sums.setdefault(row[group], [0] * len(SUMS))
        total[:] = [so_far + row[name] for so_far, name in zip(total, SUMS, strict=True)]
        counts = latency.setdefault(row[group], {})
        for number, count in row["latency"].items():
            counts[int(number)] = counts.get(int(number), 0) + count
    found = [_line(name, total, {at(n): count for n, count in latency[name].items()}) for name, total in sums.items()]
    return sorted(found, key=lambda line: (-line.calls, line.group))


def _line(group: str, sums: list[float], latency: Mapping[int, int]) -> UsageLine:
    calls, errors, tokens_in, tokens_out, cost_usd = sums
    return UsageLine(
        group=group,
        calls=int(calls),
        errors=int(errors),
        tokens_in=int(tokens_in),
        tokens_out=int(tokens_out),
        cost_usd=float(cost_usd),
        p50_ms=percentile(latency, 50),
        p95_ms=percentile(latency, 95),
    )
