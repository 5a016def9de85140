"""Rows that the store will never take, kept aside with its reason for a person to look at."""

import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from oneai.logs import Log
from oneai.store.durable import replace
from oneai.types import Row

Refusal = tuple[Row, str]
"""A row and why the store refused it."""

_log = Log("journal")


def tally(path: Path) -> int:
    """How many rows are set aside there. Raises OSError."""
    return _known(path).count(b"\n")


def set_aside(path: Path, refusals: Sequence[Refusal], *, now: float, max_bytes: int) -> int:
    """Add the rows that are not there yet, on disk when this returns; how many there are then. Raises OSError.

    When the file would outgrow `max_bytes`, its oldest half goes.
    """
    known = _known(path)
    fresh = b"".join(_line(row, reason, now) for row, reason in refusals if _mark(row) not in known)
    if len(known) + len(fresh) <= max_bytes:
        _append(path, len(known), fresh)
        return (known + fresh).count(b"\n")
    kept = _newer_half(known + fresh, max_bytes)
    replace(path, kept)
    left = kept.count(b"\n")
    _log.warning("refused_rows_dropped", rows=(known + fresh).count(b"\n") - left)
    return left


def _known(path: Path) -> bytes:
    """The whole lines of the file; what follows them is what a crash has left of one."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    return content[: content.rfind(b"\n") + 1]


def _line(row: Row, reason: str, now: float) -> bytes:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    content = {"refused_at": stamp, "reason": reason, "row": row}
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def _mark(row: Row) -> bytes:
    return b'"id":' + orjson.dumps(row["id"])


def _append(path: Path, good: int, fresh: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.ftruncate(file, good)
        if os.write(file, fresh) != len(fresh):
            os.ftruncate(file, good)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file)
    finally:
        os.close(file)


def _newer_half(content: bytes, max_bytes: int) -> bytes:
    """The newest lines, half of the content but no more than `max_bytes`."""
    start = max(len(content) // 2, len(content) - max_bytes)
    return content[content.find(b"\n", start - 1) + 1 :]
