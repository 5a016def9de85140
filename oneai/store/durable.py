"""Files that a crash or a power cut leaves either as they were or as they are meant to be."""

import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Put the content in the file's place, mode 600, on disk when this returns. Raises OSError, the old one kept.

    One writer at a time: the temporary file beside it has a fixed name, so that crashes leave one at most.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        _write(fresh, content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in the folder on disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb", opener=_private) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
