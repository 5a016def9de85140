"""What `oneai db check` sees of an SQLite file."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from oneai.store import Finding
from oneai.store.columns import TABLES
from oneai.store.rollup import LABELS, SUMS
from oneai.store.sqlite import schema

_TODAY = ("models", "model_health", "model_usage_log")
HOURLY = (*LABELS, *SUMS, "latency")
_LEAST_FREE = 256 * 1024**2
_RESTORE = "restore a backup, or move the file away and start afresh"


def findings(db: sqlite3.Connection, path: Path) -> list[Finding]:
    """Tables and columns, the file's soundness, its schema and mode, and the room that its disk has left."""
    return [*_tables(db), _integrity(db), _version(db), _mode(db), _room(path)]


def _tables(db: sqlite3.Connection) -> Iterator[Finding]:
    for table, columns in {**TABLES, "usage_hourly": HOURLY}.items():
        there = {row["name"] for row in db.execute("select name from pragma_table_info(?)", (table,))}
        missing = [name for name in columns if name not in there]
        detail = f"lacks {', '.join(missing)}" if there else "is not there"
        yield Finding(
            name=f"table {table}",
            ok=not missing,
            detail=detail if missing else f"{len(there)} columns",
            remedy=_RESTORE if missing else "",
            fatal=table in _TODAY,
        )


def _integrity(db: sqlite3.Connection) -> Finding:
    said = [row[0] for row in db.execute("pragma quick_check(5)")]
    ok = said == ["ok"]
    return Finding(name="integrity", ok=ok, detail="; ".join(said), remedy="" if ok else _RESTORE, fatal=True)


def _version(db: sqlite3.Connection) -> Finding:
    found, known = schema.version(db), len(schema.RUNGS)
    ok = found == known
    remedy = "" if ok else "restart what uses the store, with the newest oneai"
    return Finding(name="schema version", ok=ok, detail=f"{found}, known is {known}", remedy=remedy)


def _mode(db: sqlite3.Connection) -> Finding:
    mode: str = db.execute("pragma journal_mode").fetchone()[0]
    ok = mode == "wal"
    remedy = "" if ok else "restart what uses the store: it is set to wal when opened"
    return Finding(name="journal mode", ok=ok, detail=mode, remedy=remedy)


def _room(path: Path) -> Finding:
    free = shutil.disk_usage(path.parent).free
    ok = free >= _LEAST_FREE
    remedy = "" if ok else "free some space, or set ONEAI_RETENTION_DAYS lower"
    return Finding(name="disk space", ok=ok, detail=f"{free // 1024**2} MB free beside the file", remedy=remedy)
