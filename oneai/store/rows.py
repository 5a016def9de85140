"""The rules of the tables, for the stores that keep them themselves: what is refused, filled in, kept and merged."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from oneai.errors import StoreRefused
from oneai.store import HealthDelta, UsageQuery, rollup
from oneai.store.columns import NEEDED, NOW, TABLES, Column, document, now
from oneai.types import Row

_KEPT_IF_NONE = ("last_success_at", "last_failure_at", "last_error_message", "avg_latency_ms", "p95_latency_ms")


def cell(table: str, name: str, value: Any) -> Any:
    """A value as its column keeps it; StoreRefused when it cannot."""
    column = TABLES[table][name]
    if value is None and not column.nullable:
        raise StoreRefused(why=f"{table}.{name} must not be null")
    if value is None:
        return None
    try:
        return column.read(value)
    except (TypeError, ValueError, OverflowError) as exc:
        raise StoreRefused(why=f"{table}.{name} cannot hold {ascii(value)[:80]}: {exc}") from exc


def admit(table: str, row: Row) -> Row:
    """The whole row as the table keeps it, defaults filled in; StoreRefused when it breaks a rule of the table."""
    _refuse_strange(table, row)
    return _admitted(table, row)


def _admitted(table: str, row: Row) -> Row:
    columns = TABLES[table].items()
    # Nearly every row is sound, and there are thousands in a second: the way that says what is wrong takes longer.
    try:
        found = {name: None if (value := row.get(name)) is None else column.read(value) for name, column in columns}
    except (TypeError, ValueError, OverflowError):
        return {name: _filled(table, name, column, row) for name, column in columns}
    if all(found[name] is not None for name in NEEDED[table]):
        return found
    return {name: _filled(table, name, column, row) for name, column in columns}


def _filled(table: str, name: str, column: Column, row: Row) -> Any:
    if row.get(name) is None and column.nullable and column.default is None:
        return None
    if column.default is NOW and row.get(name) is None:
        return now()
    if name in row or column.default is None:
        return cell(table, name, row.get(name))
    return document(column.default)


def _refuse_strange(table: str, row: Row) -> None:
    if not row.keys() <= TABLES[table].keys():
        strange = sorted(set(row) - set(TABLES[table]))
        raise StoreRefused(why=f"{table} has no column {', '.join(strange)}")


def models(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows of `models` by code; StoreRefused when one code is there twice, for one statement cannot write it twice."""
    found: dict[str, Row] = {}
    for row in rows:
        fresh = admit("models", row) | {"updated_at": now()}
        if fresh["model_code"] in found:
            raise StoreRefused(why=f"model {fresh['model_code']} is there twice")
        found[fresh["model_code"]] = fresh
    return found


def model_changes(changes: Row) -> Row:
    """Changes to a row of `models`, as its columns keep them, with `updated_at`."""
    _refuse_strange("models", changes)
    if "model_code" in changes:
        raise StoreRefused(why="a model's code cannot be changed: add a new model and remove the old one")
    return {name: cell("models", name, value) for name, value in changes.items()} | {"updated_at": now()}


def usage(row: Row) -> Row:
    """A usage row as `model_usage_log` keeps it; columns that it lacks are left out."""
    columns = TABLES["model_usage_log"]
    known = row if row.keys() <= columns.keys() else {name: row[name] for name in row if name in columns}
    return _admitted("model_usage_log", known)


def since(query: UsageQuery) -> str:
    """When a query's time begins: to the hour, for the roll-ups have no finer grain."""
    moment: str = cell("model_usage_log", "created_at", query.since)
    return moment if query.exact else rollup.hour(moment)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Usage rows of one call id or request id: call after call, and in each by attempt."""
    kept = sorted(rows, key=lambda row: (row["attempt"] or 0, row["created_at"], row["id"]))
    started: dict[str | None, str] = {}
    for row in kept:
        started.setdefault(row["call_id"], row["created_at"])
    return sorted(kept, key=lambda row: (started[row["call_id"]], row["call_id"] or ""))


def merged(kept: Row | None, delta: HealthDelta) -> Row:
    """A row of `model_health` after a delta: counts added, states set, what the delta does not know kept."""
    before = kept or admit("model_health", {"model_code": delta.model_code})
    states = asdict(delta)
    counts = {
        "success_count": (before["success_count"] or 0) + states.pop("successes"),
        "failure_count": (before["failure_count"] or 0) + states.pop("failures"),
    }
    news = {name: value for name, value in states.items() if value is not None or name not in _KEPT_IF_NONE}
    return admit("model_health", before | news | counts)
