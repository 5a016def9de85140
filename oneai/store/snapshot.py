"""The last good registry on disk: with it the gateway starts, and serves, while the store is away."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from oneai.logs import Log
from oneai.store.durable import replace
from oneai.types import Row

_FORMAT = 1
_KEY = re.compile(rb"(oo-[0-9a-f]{4})[0-9a-f]{60}")

_log = Log("snapshot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the store held when it was last read whole."""

    store: str
    """The store's name; the registry of another store is not to be served."""
    saved_at: float
    """Seconds since the epoch."""
    models: tuple[Row, ...] = ()
    keys: tuple[Row, ...] = ()
    """With the keys' hashes, never the keys."""
    served: Mapping[str, str] = field(default_factory=dict)
    """The name that each model's server gives it, by model code."""


def save(path: Path, snapshot: Snapshot) -> bool:
    """Put the snapshot in the file's place, mode 600; False, with a warning, where the disk refuses: the old stays."""
    try:
        replace(path, _written(snapshot))
    except (OSError, TypeError) as exc:
        _log.warning("snapshot_not_saved", path=str(path), reason=str(exc))
        return False
    return True


def load(path: Path) -> Snapshot | None:
    """The snapshot in the file; None where there is no file, and, with a warning, where anything is wrong with it."""
    try:
        return _parsed(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        _log.warning("snapshot_unreadable", path=str(path), reason=str(exc))
        return None


def _written(snapshot: Snapshot) -> bytes:
    """Raises TypeError for what JSON cannot hold."""
    fields = {
        "store": snapshot.store,
        "saved_at": snapshot.saved_at,
        "models": snapshot.models,
        "keys": snapshot.keys,
        "served": dict(snapshot.served),
    }
    # A key that someone has written into a row's meta or name is no reason to have it on one more disk.
    body = _KEY.sub(rb"\1", orjson.dumps(fields))
    head = orjson.dumps({"format": _FORMAT, "sha256": _checksum(body)})
    return head + b"\n" + body + b"\n"


def _parsed(content: bytes) -> Snapshot:
    """Raises ValueError for anything but a whole snapshot of this format."""
    first, _, rest = content.partition(b"\n")
    body = rest.removesuffix(b"\n")
    head = orjson.loads(first)
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise ValueError(f"not a snapshot of format {_FORMAT}")
    if head.get("sha256") != _checksum(body):
        raise ValueError("the checksum does not match: it was cut short or changed")
    return _snapshot(orjson.loads(body))


def _snapshot(fields: Any) -> Snapshot:
    match fields:
        case {
            "store": str(store),
            "saved_at": int() | float() as saved_at,
            "models": list(models),
            "keys": list(keys),
            "served": dict(served),
        } if all(isinstance(row, dict) for row in models + keys):
            return Snapshot(store=store, saved_at=saved_at, models=tuple(models), keys=tuple(keys), served=served)
    raise ValueError("it is not what a snapshot holds")


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
