"""A lane: one thread with one SQLite connection of its own, so that the event loop never waits for a disk."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from oneai.errors import StoreAway, StoreRefused

T = TypeVar("T")

_BUSY_S = 5.0
_MEANINGS = {
    "unable to open": "the file cannot be opened; check that its folder exists and belongs to this user",
    "locked": f"another process has held the file for more than {_BUSY_S:g} s",
    "disk i/o": "the disk failed to read or write",
    "full": "the disk is full",
    "readonly": "the file is read-only for this user",
    "not a database": "the file is damaged or no database; restore a backup, or move it away to start afresh",
    "malformed": "the file is damaged; restore a backup, or move it away to start afresh",
    "interrupted": "it was closed while this was read",
}


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """A write transaction, all or nothing."""
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    except BaseException:
        # SQLite has rolled back by itself where the disk was full.
        if db.in_transaction:
            db.execute("rollback")
        raise


@contextmanager
def translated(store: str) -> Iterator[None]:
    """Raise SQLite's errors as ours."""
    try:
        yield
    except sqlite3.IntegrityError as exc:
        raise StoreRefused(why=str(exc)) from exc
    except sqlite3.Error as exc:
        raise StoreAway(store=store, why=_why(exc)) from exc


def _why(exc: sqlite3.Error) -> str:
    said = str(exc)
    return next((f"{why} ({said})" for sign, why in _MEANINGS.items() if sign in said.lower()), said)


class Lane:
    """Runs work on its connection, one piece after the other; `stop` closes it when what is under way has ended."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="oneai-sqlite")
        self._db: sqlite3.Connection | None = None
        self._stopping = False

    async def open(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        """Connect to a file and make the connection ready for use."""
        with translated(self._store):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connect, path, prepare)

    def _connect(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma foreign_keys = on")
        self._db.execute("pragma synchronous = normal")
        prepare(self._db)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What the work gave back. A caller that is cancelled leaves the work to end by itself, whole."""
        if self._stopping or self._db is None:
            raise StoreAway(store=self._store, why="it is closed")
        with translated(self._store):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._db)

    def interrupt(self) -> None:
        """End the query under way, which then fails; for reads, of which nothing is lost."""
        if self._db is not None and not self._stopping:
            self._db.interrupt()

    def stop(self) -> "Future[None] | None":
        """Close the connection in its own thread, after what is under way; None when that was asked for before."""
        if self._stopping:
            return None
        self._stopping = True
        closing = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        return closing

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
