"""The registry in force: what replaces it, what does not, and what of it survives on disk."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from oneai.core.seams import Clock
from oneai.errors import StoreAway
from oneai.runtime.registrar import Registrar
from oneai.store import snapshot
from tests.core.rows_of import row
from tests.fakes.stores import ToldStore
from tests.runtime.conftest import settings, writable


@dataclass
class Time:
    now: float = 1000.0

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, wall=lambda: self.now, jitter=lambda: 0.5, new_id=lambda: "id")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def registrar(home: Path, time: Time) -> Registrar:
    home.mkdir()
    return Registrar(settings(home), None, time.clock())


async def test_a_refresh_puts_the_stores_rows_in_force(registrar: Registrar, store: ToldStore) -> None:
    assert await registrar.refresh(store, {}) == (True, "")
    assert set(registrar.registry.models) == {"lp1", "lp2", "op1"}
    assert {"a" * 64, "b" * 64} < set(registrar.registry.keys)


async def test_rows_that_did_not_change_keep_the_registry_and_make_it_fresh(
    registrar: Registrar, store: ToldStore, time: Time
) -> None:
    await registrar.refresh(store, {})
    before = registrar.registry
    time.now += 5
    await registrar.refresh(store, {})
    assert registrar.registry is before
    assert registrar.read_at == time.now


async def test_a_store_that_is_away_leaves_the_registry_as_it_is(registrar: Registrar, store: ToldStore) -> None:
    await registrar.refresh(store, {})
    store.away = "no route"
    with pytest.raises(StoreAway):
        await registrar.refresh(store, {})
    assert set(registrar.registry.models) == {"lp1", "lp2", "op1"}


async def test_a_store_that_answers_with_nothing_is_not_believed(
    registrar: Registrar, store: ToldStore, time: Time
) -> None:
    await registrar.refresh(store, {})
    store.blank = True
    accepted, why = await registrar.refresh(store, {})
    assert not accepted
    assert "3 of 3 models are gone" in why
    assert len(registrar.registry.models) == 3
    assert registrar.doubt == why
    kept = snapshot.load(registrar.path)
    assert kept is not None
    assert len(kept.models) == 3


async def test_two_more_that_agree_over_a_minute_are_believed(
    registrar: Registrar, store: ToldStore, time: Time
) -> None:
    await registrar.refresh(store, {})
    store.blank = True
    believed = []
    for at in (0, 30, 61):
        time.now = 1000.0 + at
        believed.append((await registrar.refresh(store, {}))[0])
    assert believed == [False, False, True]
    assert registrar.registry.models == {}


async def test_a_doubt_that_did_not_last_does_not_count_towards_the_next(
    registrar: Registrar, store: ToldStore, time: Time
) -> None:
    await registrar.refresh(store, {})
    believed = []
    for at, blank in ((0, True), (5, False), (100, True), (105, True)):
        time.now, store.blank = 1000.0 + at, blank
        believed.append((await registrar.refresh(store, {}))[0])
    assert believed == [False, True, False, False]


async def test_force_believes_at_once(registrar: Registrar, store: ToldStore) -> None:
    await registrar.refresh(store, {})
    store.blank = True
    accepted, why = await registrar.refresh(store, {}, force=True)
    assert accepted
    assert "forced" in why
    assert registrar.registry.models == {}


async def test_one_bad_row_takes_out_that_row_and_is_said(registrar: Registrar, store: ToldStore) -> None:
    await store.put_models(writable(row("lp3", endpoint="nowhere")))
    await registrar.refresh(store, {})
    assert set(registrar.registry.models) == {"lp1", "lp2", "op1"}
    assert [(warning.model, warning.field) for warning in registrar.registry.warnings] == [("lp3", "endpoint")]


async def test_the_snapshot_brings_back_models_keys_and_names(
    registrar: Registrar, store: ToldStore, home: Path, time: Time
) -> None:
    await registrar.refresh(store, {"lp1": "qwen"})
    other = Registrar(settings(home), None, time.clock())
    assert other.restore(store.name) == {"lp1": "qwen"}
    assert other.registry.models == registrar.registry.models
    assert other.registry.keys == registrar.registry.keys
    assert other.version == registrar.version


async def test_the_snapshot_is_written_by_one_at_a_time(
    registrar: Registrar, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, most, met = 0, 0, threading.Barrier(2)

    def save(*_: object) -> bool:
        nonlocal writing, most
        writing += 1
        most = max(most, writing)
        # Whoever else may come in does so now; else nobody does, and the wait is over.
        with suppress(threading.BrokenBarrierError):
            met.wait(0.1)
        writing -= 1
        return True

    monkeypatch.setattr(snapshot, "save", save)
    await asyncio.gather(*(asyncio.to_thread(registrar.save, store.name, {}) for _ in range(2)))
    assert most == 1


async def test_the_snapshot_of_another_store_is_refused(
    registrar: Registrar, store: ToldStore, home: Path, time: Time
) -> None:
    await registrar.refresh(store, {})
    other = Registrar(settings(home), None, time.clock())
    assert other.restore("sqlite:/elsewhere/oneai.db") is None
    assert other.registry.models == {}


async def test_the_snapshot_is_for_its_owner_alone_and_holds_no_key(
    registrar: Registrar, store: ToldStore, home: Path
) -> None:
    await registrar.refresh(store, {})
    path = home / "registry.snapshot"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"an-admins-key" not in path.read_bytes()
