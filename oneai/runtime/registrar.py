"""The registry in force: read from the store, judged, swapped in whole, and kept on disk for a start without it."""

import asyncio
import hashlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from oneai.config import Settings
from oneai.core import keys, registry
from oneai.core.refresh import Gatekeeper
from oneai.core.registry import Registry
from oneai.core.seams import Clock
from oneai.errors import StoreLacks
from oneai.logs import Log
from oneai.store import Store, snapshot
from oneai.store.snapshot import Snapshot
from oneai.types import Key, Row

_log = Log("registry")


class Registrar:
    """Holds the registry that every call is answered by; `registry` is replaced, never changed."""

    def __init__(self, settings: Settings, local_key: str | None, clock: Clock) -> None:
        self._overrides = settings.overrides
        self._environment = _environment_keys(settings, local_key)
        self._path = settings.home / "registry.snapshot"
        self._clock = clock
        self._gatekeeper = Gatekeeper()
        self._rows: tuple[list[Row], list[Row]] = ([], [])
        self._lock = asyncio.Lock()
        self._saving = threading.Lock()
        self._doubt: str | None = None
        self.registry: Registry = registry.build([], [], self._overrides, self._environment)
        self.version = "empty"
        self.read_at: float | None = None
        """When the store was last read and believed, by the monotonic clock; None: never since the start."""

    @property
    def path(self) -> Path:
        return self._path

    @property
    def doubt(self) -> str | None:
        """Why the last refresh was not believed."""
        return self._doubt

    async def refresh(self, store: Store, served: Mapping[str, str], *, force: bool = False) -> tuple[bool, str]:
        """Read the store and, where that is believed, put the new registry in force: whether, and why not.

        Raises StoreAway and StoreRefused; the old registry stays then.
        """
        async with self._lock:
            rows = (await store.models(), await _key_rows(store))
            if self.read_at is not None and await asyncio.to_thread(rows.__eq__, self._rows):
                self.read_at, self._doubt = self._clock.monotonic(), None
                self._gatekeeper.agree()
                return True, ""
            fresh, version = await asyncio.to_thread(self._build, rows)
            verdict = self._gatekeeper.judge(self.registry, fresh, self._clock.monotonic(), force)
            if not verdict.accepted:
                self._refuse(verdict.why)
                return False, verdict.why
            self._accept(fresh, version, rows)
            await asyncio.to_thread(self.save, store.name, served)
            return True, verdict.why

    def restore(self, store_name: str) -> Mapping[str, str] | None:
        """Put the snapshot of this store in force: the served names that it holds, None where there is none."""
        kept = snapshot.load(self._path)
        if kept is None:
            return None
        if kept.store != store_name:
            _log.warning("snapshot_of_another_store", found=kept.store, wanted=store_name)
            return None
        rows = (list(kept.models), list(kept.keys))
        self._rows = rows
        self.registry, self.version = self._build(rows)
        _log.info("snapshot_restored", models=len(kept.models), age_s=round(self._clock.wall() - kept.saved_at))
        return kept.served

    def save(self, store_name: str, served: Mapping[str, str]) -> None:
        """Keep the rows in force on disk. From any thread: names are kept while a refresh keeps its rows."""
        with self._saving:
            models, key_rows = self._rows
            kept = Snapshot(
                store=store_name,
                saved_at=self._clock.wall(),
                models=tuple(models),
                keys=tuple(key_rows),
                served=dict(served),
            )
            snapshot.save(self._path, kept)

    def _build(self, rows: tuple[list[Row], list[Row]]) -> tuple[Registry, str]:
        models, key_rows = rows
        version = hashlib.sha256(orjson.dumps([models, key_rows], default=str)).hexdigest()[:12]
        return registry.build(models, key_rows, self._overrides, self._environment), version

    def _accept(self, fresh: Registry, version: str, rows: tuple[list[Row], list[Row]]) -> None:
        self.registry, self.version, self._rows = fresh, version, rows
        self.read_at, self._doubt = self._clock.monotonic(), None
        _log.info("registry_in_force", models=len(fresh.models), keys=len(fresh.keys), version=version)
        for warning in fresh.warnings:
            _log.warning("registry_row", model=warning.model, field=warning.field, what=warning.what)

    def _refuse(self, why: str) -> None:
        if why != self._doubt:
            _log.warning("registry_kept", reason=why)
        self._doubt = why


async def _key_rows(store: Store) -> list[Row]:
    """A project with only today's three tables has no keys of its own: those of the environment do."""
    try:
        return await store.keys()
    except StoreLacks:
        return []


def _environment_keys(settings: Settings, local_key: str | None) -> Sequence[Key]:
    plain = keys.from_environment((key.get_secret_value() for key in settings.api_keys), admin=False)
    admin = keys.from_environment((key.get_secret_value() for key in settings.admin_api_keys), admin=True)
    local = keys.from_environment([f"local={local_key}"], admin=True) if local_key else []
    return [*plain, *admin, *local]
