"""A sealed segment: how far the store has it, and its lines, read a batch at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from oneai.store.journal.lines import Line, decode
from oneai.types import Row

Place = tuple[Path, int]
"""A file, and the offset from which on it is read."""

_CHUNK = 1 << 20


@dataclass(slots=True, kw_only=True, eq=False)
class Segment:
    """A file that nothing is added to any more. It changes: the store's acknowledgements move `at` along it."""

    path: Path
    bytes: int
    rows: int | None = None
    """None until the rows of a dead process's segment have been counted."""
    at: int = 0
    """Where the first line starts that the store has not acknowledged."""
    passed: int = 0
    """Lines before `at` that were rows, or unreadable."""
    unreadable: int = 0

    @property
    def waiting(self) -> int:
        return max(0, (self.rows or 0) - self.passed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of a segment up to the offset `end`; `last` when nothing follows them."""

    rows: tuple[Row, ...] = ()
    end: int = 0
    unreadable: int = 0
    last: bool = True


def read(path: Path, at: int, limit: int) -> Batch:
    """The next rows from offset `at`, `limit` at most. A file that is gone has none. Raises OSError."""
    rows: list[Row] = []
    unreadable = 0
    try:
        with path.open("rb") as file:
            file.seek(at)
            for raw in file:
                at += len(raw)
                line = decode(raw)
                if line is None:
                    unreadable += 1
                elif not line.begun:
                    rows.append(line.row)
                if len(rows) == limit:
                    return Batch(rows=tuple(rows), end=at, unreadable=unreadable, last=False)
    except FileNotFoundError:
        return Batch(end=at)
    return Batch(rows=tuple(rows), end=at, unreadable=unreadable)


def lines(path: Path) -> list[Line]:
    """Every readable line. Raises OSError."""
    return [line for raw in path.read_bytes().split(b"\n") if (line := decode(raw))]


def last_row(path: Path) -> Row | None:
    """The last row that is done; None where there is none, or no file. Raises OSError."""
    try:
        raws = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    found = (line.row for raw in reversed(raws) if (line := decode(raw)) and not line.begun)
    return next(found, None)


def count(path: Path) -> int:
    """About how many rows there are: an unreadable line is taken for one. Raises OSError."""
    rows = 0
    if not path.exists():
        return rows
    with path.open("rb") as file:
        while chunk := file.readlines(_CHUNK):
            rows += sum(not raw.startswith(b'{"begun":') for raw in chunk)
    return rows


def search(places: Iterable[Place], id: str) -> list[Row]:
    """The rows of a call id or request id among the files, each read from its offset. Raises OSError."""
    found: list[Row] = []
    needle = orjson.dumps(id)
    for path, at in places:
        try:
            with path.open("rb") as file:
                file.seek(at)
                content = file.read()
        except FileNotFoundError:
            continue
        if needle in content:
            found += [row for raw in content.split(b"\n") if needle in raw for row in matching(raw, id)]
    return found


def matching(raw: bytes, id: str) -> list[Row]:
    """The row of a line, if it is done and of that call id or request id."""
    line = decode(raw)
    if line is None or line.begun or id not in (line.row.get("call_id"), line.row.get("request_id")):
        return []
    return [line.row]
