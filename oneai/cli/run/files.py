"""Reads what is to be sent, and says plainly why a file cannot be."""

import sys
from base64 import b64encode
from pathlib import Path

from oneai.errors import MissingFile, UnusableFile

STDIN = "-"
_MB = 1 << 20
_ROOM = 64 << 10
"""What a body holds beside its image."""


def image(path: Path, most_mb: int) -> str:
    """The file in base64. Raises MissingFile, and UnusableFile where it is no file, empty, or too large to be sent."""
    most = (most_mb * _MB - _ROOM) // 4 * 3
    raw = stdin(most + 1) if str(path) == STDIN else _file(path, most + 1)
    if not raw:
        raise UnusableFile(path=path, why="it is empty")
    if len(raw) > most:
        size = f"it is larger than {most / _MB:.0f} MB"
        raise UnusableFile(path=path, why=f"{size}, and in base64 that is over the {most_mb} MB of ONEAI_MAX_BODY_MB")
    return b64encode(raw).decode("ascii")


def content(path: Path) -> bytes:
    """The file's bytes. Raises MissingFile and UnusableFile."""
    return _file(path, -1)


def exists(path: Path) -> None:
    """Raises as `content` does, for a file that is not read now."""
    if str(path) != STDIN:
        _file(path, 0)


def _file(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError as exc:
        raise MissingFile(path=path) from exc
    except IsADirectoryError as exc:
        raise UnusableFile(path=path, why="it is a folder") from exc
    except (OSError, ValueError) as exc:
        raise UnusableFile(path=path, why=f"it cannot be read ({getattr(exc, 'strerror', None) or exc})") from exc


def stdin(most: int = -1) -> bytes:
    """What is piped in. Raises UnusableFile where that is a terminal."""
    if sys.stdin.isatty():
        raise UnusableFile(path="-", why="nothing is piped in")
    return sys.stdin.buffer.read(most)
