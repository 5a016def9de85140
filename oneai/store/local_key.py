"""The admin's own key on this machine: `$ONEAI_HOME/local.key`, mode 600, made at a first start."""

import os
from pathlib import Path

from oneai.errors import BadSetting
from oneai.store.durable import replace


def read(home: Path) -> str | None:
    """The key; None where there is no such file, or where it is not ours to read."""
    try:
        return (home / "local.key").read_text().strip() or None
    except (FileNotFoundError, PermissionError):
        return None


def keep(home: Path, key: str) -> None:
    """Put the key in its place. Raises BadSetting where the home cannot be written to."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(home / "local.key", f"{key}{os.linesep}".encode())
    except OSError as exc:
        accepted = "a folder that this user may write to"
        raise BadSetting(name="ONEAI_HOME", found=f"{home} ({exc.strerror})", accepted=accepted) from exc
