"""Gathers the doctor's facts: files, store, gateway, and the server of each active model, all at once."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from oneai import __version__
from oneai.cli import progress, stores
from oneai.cli.db import check
from oneai.cli.doctor.facts import Facts, Home, Running, Storage
from oneai.cli.frame import Desk
from oneai.cli.keys import held
from oneai.cli.models import probe
from oneai.cli.models.probe import Probe
from oneai.config import Settings
from oneai.core.registry import Registry, build
from oneai.errors import GatewayAway, OneAIError, Refused, StoreLacks
from oneai.store import Store, snapshot
from oneai.store.journal import refused
from oneai.types import Model, Row

_AT_ONCE = 16


async def everything(desk: Desk) -> Facts:
    """Never raises for what is wrong: that is what it is here to find."""
    settings = desk.settings
    home = _home(settings.home)
    (storage, models, keys), running = await asyncio.gather(_store(desk), _running(desk))
    registry = build(models, keys, settings.overrides)
    known = held.of(settings, keys)
    return Facts(
        settings=settings,
        now=time.time(),
        version=__version__,
        home=home,
        store=storage,
        running=running,
        registry=registry,
        rows={str(row.get("model_code")): row for row in models},
        keys=known,
        probes=await _probes(settings, registry),
    )


def _home(path: Path) -> Home:
    try:
        found = path.stat()
        free = shutil.disk_usage(path).free
    except FileNotFoundError:
        return Home(path=path, user=os.geteuid(), free_bytes=_free_above(path))
    except OSError:
        return Home(path=path, user=os.geteuid(), owner=-1, readable=False)
    readable = os.access(path, os.R_OK | os.W_OK | os.X_OK)
    return Home(
        path=path,
        user=os.geteuid(),
        owner=found.st_uid,
        mode=found.st_mode & 0o777,
        free_bytes=free,
        readable=readable,
        key_mode=_mode(path / "local.key"),
        refused_rows=_refused(path),
    )


def _free_above(path: Path) -> int:
    """Of the disk that the folder would be made on."""
    there = next((folder for folder in path.parents if folder.is_dir()), Path("/"))
    return shutil.disk_usage(there).free


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return None


def _refused(home: Path) -> int:
    try:
        return refused.tally(home / "journal" / "refused.jsonl")
    except OSError:
        return 0


async def _store(desk: Desk) -> tuple[Storage, list[Row], list[Row]]:
    """What the store holds and says; where it is away, what the snapshot holds."""
    name = desk.settings.store_url
    kept = snapshot.load(desk.settings.home / "registry.snapshot")
    kept = kept if kept and kept.store == name else None
    try:
        findings = await check.of_store(desk)
        async with stores.reading(desk) as store:
            models, keys = await store.models(), await _keys(store)
    except OneAIError as exc:
        storage = Storage(name=name, away=exc.message, has_snapshot=kept is not None)
        return storage, list(kept.models) if kept else [], list(kept.keys) if kept else []
    return Storage(name=name, findings=findings, has_snapshot=kept is not None), models, keys


async def _keys(store: Store) -> list[Row]:
    try:
        return await store.keys()
    except StoreLacks:
        return []  # the store's own findings say so


async def _running(desk: Desk) -> Running:
    url = desk.settings.gateway_url
    try:
        async with desk.gateway() as gateway:
            health = await gateway.health()
            try:
                return Running(url=url, health=health, state=await gateway.state())
            except Refused as exc:
                return Running(url=url, health=health, refused=f"{exc.status} {exc.code}")
    except (GatewayAway, Refused) as exc:
        return Running(url=url, away=exc.message)


async def _probes(settings: Settings, registry: Registry) -> Mapping[str, Probe]:
    active = [model for model in registry.models.values() if model.active]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(model: Model, advance: Callable[[], None]) -> Probe:
        async with gate:
            found = await probe.ask(settings, model)
        advance()
        return found

    with progress.bar("Asking the model servers", len(active)) as advance:
        found: Sequence[Probe] = await asyncio.gather(*(ask(model, advance) for model in active))
    return {model.code: one for model, one in zip(active, found, strict=True)}
