"""Models, their health and the keys in SQLite: plain functions on a connection."""

import sqlite3
from collections.abc import Callable, Sequence

from oneai.errors import StoreRefused
from oneai.store import HealthDelta, rows
from oneai.store.columns import now
from oneai.store.sqlite.lane import writing
from oneai.store.sqlite.tables import read, upsert, written
from oneai.types import Row


def all_rows(table: str, key: str) -> Callable[[sqlite3.Connection], list[Row]]:
    """A reader of every row of a table, by its key."""
    query = f"select * from {table} order by {key}"  # noqa: S608
    return lambda db: read(table, db.execute(query).fetchall())


def put_models(db: sqlite3.Connection, models: Sequence[Row]) -> None:
    """Insert or replace admitted rows of `models`."""
    with writing(db):
        db.executemany(upsert("models", "model_code"), [written("models", row) for row in models])
        _refuse_dangling(db)


def change_model(db: sqlite3.Connection, code: str, changes: Row) -> bool:
    """Set columns of one row to values that are as the columns keep them."""
    # The names have been held against our own list of columns.
    settings = ", ".join(f"{name} = :{name}" for name in changes)
    with writing(db):
        done = db.execute(
            f"update models set {settings} where model_code = :_code",  # noqa: S608
            written("models", changes) | {"_code": code},
        )
        _refuse_dangling(db)
    return done.rowcount > 0


def _refuse_dangling(db: sqlite3.Connection) -> None:
    # The deferred reference would refuse it at the commit, without a word about which row it was.
    found = db.execute(
        "select model_code, fallback_model_code from models"
        " where fallback_model_code not in (select model_code from models) order by model_code limit 1"
    ).fetchone()
    if found is not None:
        raise StoreRefused(why=f"{found[0]} falls back to {found[1]}, which is no model")


def purge_model(db: sqlite3.Connection, code: str) -> bool:
    """Delete a model with all that refers to it, in one transaction."""
    with writing(db):
        db.execute(
            "update models set fallback_model_code = null, updated_at = ? where fallback_model_code = ?", (now(), code)
        )
        for table in ("model_usage_log", "usage_hourly", "model_health"):
            db.execute(f"delete from {table} where model_code = ?", (code,))  # noqa: S608
        return db.execute("delete from models where model_code = ?", (code,)).rowcount > 0


def put_key(db: sqlite3.Connection, key: Row) -> None:
    """Insert or replace an admitted row of `api_keys`."""
    with writing(db):
        try:
            db.execute(upsert("api_keys", "key_hash"), written("api_keys", key))
        except sqlite3.IntegrityError as exc:
            raise StoreRefused(why=f"a live key is named {key['name']} already") from exc


def merge_health(db: sqlite3.Connection, deltas: Sequence[HealthDelta]) -> None:
    """Merge deltas into `model_health`; those of models that are gone are passed over."""
    with writing(db):
        there = {code for (code,) in db.execute("select model_code from models")}
        for delta in deltas:
            if delta.model_code in there:
                db.execute(upsert("model_health", "model_code"), rows.merged(_health(db, delta.model_code), delta))


def _health(db: sqlite3.Connection, code: str) -> Row | None:
    found = read("model_health", db.execute("select * from model_health where model_code = ?", (code,)).fetchall())
    return found[0] if found else None
