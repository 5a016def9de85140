"""Rows to and from SQLite, which knows neither booleans nor JSON: how they are written, and read back as they were."""

import sqlite3
from typing import Any

import orjson

from oneai.store.columns import TABLES, boolean, document
from oneai.types import Row

_DOCUMENTS = {
    table: frozenset(name for name, column in columns.items() if column.read is document)
    for table, columns in TABLES.items()
}


def insert(table: str) -> str:
    """The statement that inserts a whole row by the names of its columns."""
    names = list(TABLES[table])
    # The names are our own constants, never a caller's.
    return f"insert into {table} ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)})"  # noqa: S608


def insert_in_order(table: str) -> str:
    """The same with its values in the order of the columns, which is sooner read where there are thousands of rows."""
    names = list(TABLES[table])
    return f"insert into {table} ({', '.join(names)}) values ({', '.join('?' * len(names))})"  # noqa: S608


def upsert(table: str, key: str) -> str:
    """As `insert`, which replaces a row of the same key but for when it was made."""
    changed = [name for name in TABLES[table] if name not in (key, "created_at")]
    return f"{insert(table)} on conflict ({key}) do update set " + ", ".join(
        f"{name} = excluded.{name}" for name in changed
    )


def written(table: str, row: Row) -> Row:
    """A row, or a part of one, with JSON as text."""
    documents = _DOCUMENTS[table] & row.keys() if _DOCUMENTS[table] else None
    if not documents:
        return row
    return row | {name: orjson.dumps(row[name]).decode() for name in documents if row[name] is not None}


def read(table: str, rows: list[sqlite3.Row]) -> list[Row]:
    """Rows as they were given."""
    columns = TABLES[table]
    return [{name: _value(columns[name].read, row[name]) for name in columns} for row in rows]


def _value(kind: object, value: Any) -> Any:
    if value is None:
        return None
    if kind is boolean:
        return bool(value)
    return orjson.loads(value) if kind is document else value
