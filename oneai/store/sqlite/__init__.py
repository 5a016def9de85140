"""The default store: one SQLite file in ONEAI_HOME."""

from oneai.store.sqlite.store import SqliteStore, connect

__all__ = ["SqliteStore", "connect"]
