"""Usage rows and their hourly roll-ups in SQLite: plain functions on a connection."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from oneai.errors import StoreRefused
from oneai.store import UsageLine, UsageQuery, rollup, rows
from oneai.store.sqlite.lane import writing
from oneai.store.sqlite.tables import insert_in_order, read
from oneai.types import Row

_INSERT = insert_in_order("model_usage_log")
_KEPT = "select * from usage_hourly where hour = ? and model_code = ? and task = ? and key_name = ?"
_COUNT = (
    "replace into usage_hourly values (:hour, :model_code, :task, :key_name, :calls, :errors, :tokens_in, :tokens_out,"
    " :cost_usd, :latency)"
)

_ROLLED = """
    select {group}, sum(calls) as calls, sum(errors) as errors, sum(tokens_in) as tokens_in,
      sum(tokens_out) as tokens_out, sum(cost_usd) as cost_usd
    from usage_hourly where hour >= ? group by 1"""
_EXACT = """
    select coalesce({group}, '') as {group}, count(*) as calls, coalesce(sum(success = 0), 0) as errors,
      coalesce(sum(tokens_in), 0) as tokens_in, coalesce(sum(tokens_out), 0) as tokens_out,
      coalesce(sum(cost_usd), 0) as cost_usd
    from model_usage_log where created_at >= ? group by 1"""
_BUCKETS = "select {group}, latency from usage_hourly where hour >= ?"
_LATENCIES = """
    select coalesce({group}, ''), latency_ms, count(*)
    from model_usage_log where created_at >= ? and success and latency_ms is not null group by 1, 2"""


def add(db: sqlite3.Connection, fresh: Sequence[Row]) -> None:
    """Insert admitted rows and count those that are really new, in one transaction."""
    with writing(db):
        known = _known(db, fresh)
        new = list({row["id"]: row for row in fresh if row["id"] not in known}.values())
        _insert(db, new)
        for total in rollup.hourly(new):
            _count(db, total)


def _known(db: sqlite3.Connection, fresh: Sequence[Row]) -> set[str]:
    marks = ", ".join("?" * len(fresh))
    found = db.execute(f"select id from model_usage_log where id in ({marks})", [row["id"] for row in fresh])  # noqa: S608
    return {id for (id,) in found}


def _insert(db: sqlite3.Connection, new: Sequence[Row]) -> None:
    try:
        # An admitted row has every column, in their order.
        db.executemany(_INSERT, [tuple(row.values()) for row in new])
    except sqlite3.IntegrityError as exc:
        models = {code for (code,) in db.execute("select model_code from models")}
        why = next(
            (
                f"usage row {row['id']} is of model {row['model_code']}, which is not there"
                for row in new
                if row["model_code"] not in models
            ),
            str(exc),
        )
        raise StoreRefused(why=why) from exc


def _count(db: sqlite3.Connection, total: Row) -> None:
    found = db.execute(_KEPT, [total[name] for name in rollup.LABELS]).fetchone()
    added = rollup.add(_hour(found) if found else None, total)
    db.execute(_COUNT, added | {"latency": orjson.dumps(added["latency"]).decode()})


def _hour(found: sqlite3.Row) -> Row:
    return dict(found) | {"latency": orjson.loads(found["latency"])}


def totals(db: sqlite3.Connection, query: UsageQuery) -> list[UsageLine]:
    """Totals of groups, from the roll-ups or, where the query is exact, from the rows."""
    group, since = rollup.column(query.by), rows.since(query)
    latency = (_latencies if query.exact else _buckets)(db, group, since)
    sums = _EXACT if query.exact else _ROLLED
    # The group is one of three names of our own.
    found = [
        dict(row) | {"latency": latency.get(row[group], {})} for row in db.execute(sums.format(group=group), (since,))
    ]
    return rollup.lines(found, query.by, at=int if query.exact else rollup.middle)


def _buckets(db: sqlite3.Connection, group: str, since: str) -> dict[str, dict[str, int]]:
    # Added up here: SQLite's json_each takes four times as long.
    found: dict[str, dict[str, int]] = {}
    for name, latency in db.execute(_BUCKETS.format(group=group), (since,)):
        counts = found.setdefault(name, {})
        for number, count in orjson.loads(latency).items():
            counts[number] = counts.get(number, 0) + count
    return found


def _latencies(db: sqlite3.Connection, group: str, since: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, ms, count in db.execute(_LATENCIES.format(group=group), (since,)):
        found.setdefault(name, {})[str(ms)] = count
    return found


def calls(db: sqlite3.Connection, id: str) -> list[Row]:
    """The rows of a call id or a request id, in order."""
    found = db.execute("select * from model_usage_log where call_id = :id or request_id = :id", {"id": id})
    return rows.in_order(read("model_usage_log", found.fetchall()))


def prune(db: sqlite3.Connection, before: str, most: int) -> int:
    """Delete rows older than a moment, so many at most; how many went."""
    old = "select id from model_usage_log where created_at < ? limit ?"
    with writing(db):
        bounds: tuple[Any, ...] = (before, most)
        return db.execute(f"delete from model_usage_log where id in ({old})", bounds).rowcount  # noqa: S608
