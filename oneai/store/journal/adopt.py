"""What processes that died have left: their folders, their segments, and the rows that they had only begun."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from oneai.logs import Log
from oneai.store.journal import segment
from oneai.store.journal.lines import Line
from oneai.store.journal.lock import try_lock
from oneai.store.journal.segment import Segment
from oneai.types import Row

LOCK = "lock"
SUFFIX = ".jsonl"
_log = Log("journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """The folder of a process that has let go of its lock, held by us for as long as `lock` is open."""

    folder: Path
    lock: int
    segments: tuple[Path, ...]
    """Oldest first."""


def dead(root: Path) -> list[Dead]:
    """The folders under `root` whose lock can be taken; one that cannot be read is passed over. Raises OSError."""
    found = (_taken(folder) for folder in sorted(root.iterdir()) if folder.is_dir())
    return [folder for folder in found if folder]


def orphans(found: Sequence[Dead]) -> list[Row]:
    """Rows that were begun and never done, as known then.

    A new segment starts with the rows still open, so that a folder's last holds them all; the one before it too,
    for a process may have died between the two. A crash while adopting may have left a row's beginning in one
    folder and its end in another: so all folders are looked at together.
    """
    begun: dict[str, Row] = {}
    done: set[str] = set()
    for line in (line for folder in found for path in folder.segments[-2:] for line in _lines(path)):
        if line.begun:
            begun[line.row["id"]] = line.row
        else:
            done.add(line.row["id"])
    return [row for id, row in begun.items() if id not in done]


def move(found: Sequence[Dead], ours: Path) -> list[Segment]:
    """Take the segments over into our folder, oldest first; one that cannot be moved stays for the next start."""
    paths = sorted((path for folder in found for path in folder.segments), key=lambda path: path.name)
    return [moved for path in paths if (moved := _moved(path, ours))]


def leave(folder: Path, lock: int) -> None:
    """Let go of a folder, and remove it where nothing is left in it."""
    with suppress(OSError):
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()
    os.close(lock)


def _taken(folder: Path) -> Dead | None:
    try:
        lock = try_lock(folder / LOCK)
        if lock is None:
            return None
        segments = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except OSError as exc:
        _log.warning("journal_folder_unreadable", folder=str(folder), reason=exc.strerror)
        return None
    return Dead(folder=folder, lock=lock, segments=tuple(segments))


def _lines(path: Path) -> list[Line]:
    try:
        return segment.lines(path)
    except OSError as exc:
        _log.warning("journal_segment_unreadable", segment=path.name, reason=exc.strerror)
        return []


def _moved(path: Path, ours: Path) -> Segment | None:
    target = ours / path.name
    try:
        path.rename(target)
        return Segment(path=target, bytes=target.stat().st_size)
    except OSError as exc:
        _log.warning("journal_segment_not_adopted", segment=path.name, reason=exc.strerror)
        return None
