"""Locks that the kernel lets go of when their process dies, however it dies."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oneai.errors import BadSetting, HomeInUse

_HELD = (errno.EWOULDBLOCK, errno.EACCES)


def try_lock(path: Path) -> int | None:
    """The open file that holds the lock, to be closed to let go of it; None where another process has it."""
    return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock, waiting for whoever has it: for work that is short."""
    file = _lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if file is not None:
            os.close(file)


@contextmanager
def home_lock(home: Path) -> Iterator[None]:
    """Hold ONEAI_HOME for this gateway alone. Raises HomeInUse, or BadSetting where the folder is of no use."""
    path = home / "gateway.lock"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = try_lock(path)
    except OSError as exc:
        raise unusable(home, exc) from exc
    if file is None:
        raise HomeInUse(home=f"{home} (process {_holder(path)})")
    try:
        _sign(file)
        yield
    finally:
        os.close(file)


def _sign(file: int) -> None:
    # The lock holds without it: on a full disk the gateway goes on, and a second one is told of no number.
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())


def unusable(folder: Path, exc: OSError) -> BadSetting:
    """What to tell an operator whose ONEAI_HOME cannot be written to."""
    return BadSetting(
        name="ONEAI_HOME",
        found=f"{folder} ({exc.strerror or exc})",
        accepted="a folder on a local disk, with room, that this user may write to",
    )


def _lock(path: Path, how: int) -> int | None:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, how)
    except OSError as exc:
        os.close(file)
        if exc.errno in _HELD:
            return None
        raise
    return file


def _holder(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip() or "unknown"
    except OSError:
        return "unknown"
