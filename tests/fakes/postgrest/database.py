"""The tables' rows, with the rules that PostgreSQL keeps: every change is a transaction, checked at its end."""

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from oneai.types import Row
from tests.fakes.postgrest.grammar import Asked, Filter
from tests.fakes.postgrest.refusal import Refusal
from tests.fakes.postgrest.schema import Table

Key = tuple[Any, ...]
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
}


class Database:
    """Rows by table and key. A row is never changed in place, so a copy of the dicts is a savepoint."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = tables
        self.rows: dict[str, dict[Key, Row]] = {name: {} for name in tables}

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise Refusal(404, "PGRST205", f"Could not find the table 'public.{name}' in the schema cache")
        return self.tables[name]

    def migrate(self, tables: Mapping[str, Table]) -> None:
        """Have these tables instead, the rows kept and filled up."""
        self.tables = tables
        grown = {name: self.rows.get(name, {}) for name in tables}
        self.rows = {
            name: {key: dict.fromkeys(tables[name].columns) | row for key, row in rows.items()}
            for name, rows in grown.items()
        }

    def select(self, name: str, asked: Asked) -> list[Row]:
        """The rows that the filters let through, in order; no limit yet."""
        self._known(name, [column for column, _ in asked.order] + (asked.select or []))
        found = self._where(name, asked.filters)
        for column, down in reversed(asked.order):
            there = [row for row in found if row[column] is not None]
            gone = [row for row in found if row[column] is None]
            sort = sorted(there, key=lambda row: collated(row[column]), reverse=down)
            found = gone + sort if down else sort + gone
        return found

    def insert(self, name: str, fresh: Sequence[Row], resolution: str | None) -> tuple[list[Row], int]:
        """The rows written, and how many of them are new; `resolution` is what `on conflict` does."""
        table = self.table(name)
        written: dict[Key, Row] = {}
        new = []
        with self._transaction(name):
            for row in fresh:
                full = self._filled(name, row)
                key = tuple(full[column] for column in table.key)
                kept = self.rows[name].get(key)
                if kept is None:
                    new.append(full)
                elif resolution == "ignore-duplicates":
                    continue
                elif resolution is None:
                    raise _not_unique(name, table.key, key)
                elif key in written:
                    raise Refusal(500, "21000", "ON CONFLICT DO UPDATE command cannot affect row a second time")
                changed = full if kept is None else kept | {column: full[column] for column in row}
                self.rows[name][key] = written[key] = changed
            if name == "model_usage_log" and "usage_hourly" in self.tables:
                self._roll_up(new)
        return list(written.values()), len(new)

    def update(self, name: str, filters: Sequence[Filter], changes: Row) -> list[Row]:
        self._payload(name, changes)
        table = self.table(name)
        read = {column: self._read(name, column, value) for column, value in changes.items()}
        changed = []
        with self._transaction(name):
            for row in self._where(name, filters):
                changed.append(row | read)
                self.rows[name][tuple(row[column] for column in table.key)] = changed[-1]
        return changed

    def delete(self, name: str, filters: Sequence[Filter]) -> list[Row]:
        table = self.table(name)
        gone = self._where(name, filters)
        with self._transaction(name, deletes=True):
            for row in gone:
                del self.rows[name][tuple(row[column] for column in table.key)]
        return gone

    @contextmanager
    def _transaction(self, name: str, *, deletes: bool = False) -> Iterator[None]:
        savepoint = {table: dict(rows) for table, rows in self.rows.items()}
        try:
            yield
            self._check_references(name, deletes)
            self._check_live_names()
        except Refusal:
            self.rows = savepoint
            raise

    def _where(self, name: str, filters: Sequence[Filter]) -> list[Row]:
        self._known(name, [test.column for test in filters])
        tests = [(test, self._wanted(name, test)) for test in filters]
        return [row for row in self.rows[name].values() if all(_passes(row, test, wanted) for test, wanted in tests)]

    def _wanted(self, name: str, test: Filter) -> list[Any]:
        return [self.tables[name].columns[test.column].kind(value) for value in test.values]

    def _known(self, name: str, columns: Sequence[str]) -> None:
        for column in columns:
            if column not in self.table(name).columns:
                raise Refusal(400, "42703", f"column {name}.{column} does not exist")

    def _payload(self, name: str, columns: Sequence[str] | Row) -> None:
        for column in columns:
            if column not in self.table(name).columns:
                message = f"Could not find the '{column}' column of '{name}' in the schema cache"
                raise Refusal(400, "PGRST204", message)

    def _filled(self, name: str, row: Row) -> Row:
        self._payload(name, row)
        return {
            column: self._read(name, column, row[column] if column in row else rules.default())
            for column, rules in self.tables[name].columns.items()
        }

    def _read(self, name: str, column: str, value: Any) -> Any:
        rules = self.tables[name].columns[column]
        if value is not None:
            return rules.kind(value)
        if rules.required:
            message = f'null value in column "{column}" of relation "{name}" violates not-null constraint'
            raise Refusal(400, "23502", message, "Failing row contains (secret things).")
        return None

    def _check_references(self, changed: str, deletes: bool) -> None:
        for name, table in self.tables.items():
            for column, target in table.refers.items():
                there = {key[0] for key in self.rows[target]}
                for row in self.rows[name].values():
                    if row[column] is not None and row[column] not in there:
                        raise _dangling(changed if deletes else name, name, column, row[column], deletes)

    def _check_live_names(self) -> None:
        live = [row["name"] for row in self.rows.get("api_keys", {}).values() if row["revoked_at"] is None]
        for name, times in Counter(live).items():
            if times > 1:
                raise _not_unique("api_keys", ("name",), (name,))

    def _roll_up(self, new: Sequence[Row]) -> None:
        for row in new:
            hour = row["created_at"].replace(minute=0, second=0, microsecond=0)
            key = (hour, row["model_code"], row["task"], row["key_name"] or "")
            labels = dict(zip(self.tables["usage_hourly"].key, key, strict=True))
            kept = self.rows["usage_hourly"].get(key) or self._filled("usage_hourly", labels)
            latency: Counter[str] = Counter(kept["latency"])
            if row["success"] and row["latency_ms"] is not None:
                latency[str(min(math.floor(math.log(max(row["latency_ms"], 1)) / math.log(1.05)), 309))] += 1
            sums = {name: kept[name] + (row[name] or 0) for name in ("tokens_in", "tokens_out", "cost_usd")}
            counts = {"calls": kept["calls"] + 1, "errors": kept["errors"] + (row["success"] is False)}
            self.rows["usage_hourly"][key] = kept | sums | counts | {"latency": dict(latency)}


def collated(value: Any) -> Any:
    """Text sorts by the collation of a Supabase project, which is not that of code points: case comes last."""
    return (value.casefold(), value) if isinstance(value, str) else value


def _passes(row: Row, test: Filter, wanted: Sequence[Any]) -> bool:
    value = row[test.column]
    if value is None:
        return False
    if test.operator == "in":
        return value in wanted
    return _COMPARES[test.operator](collated(value), collated(wanted[0]))


def _not_unique(table: str, columns: Sequence[str], values: Sequence[Any]) -> Refusal:
    key = f"Key ({', '.join(columns)})=({', '.join(map(str, values))}) already exists."
    return Refusal(409, "23505", f'duplicate key value violates unique constraint "{table}_unique"', key)


def _dangling(changed: str, name: str, column: str, value: Any, deletes: bool) -> Refusal:
    constraint = f'"{name}_{column}_fkey"'
    if deletes:
        message = (
            f'update or delete on table "{changed}" violates foreign key constraint {constraint} on table "{name}"'
        )
        return Refusal(409, "23503", message, f'Key (model_code)=({value}) is still referenced from table "{name}".')
    message = f'insert or update on table "{name}" violates foreign key constraint {constraint}'
    return Refusal(409, "23503", message, f'Key ({column})=({value}) is not present in table "models".')
