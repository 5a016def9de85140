import hashlib
import os
import secrets
from pathlib import Path

import orjson
import pytest

from oneai.store.snapshot import Snapshot, load, save
from tests.store.test_journal_disk import full_disk

SNAPSHOT = Snapshot(
    store="sqlite:/data/oneai.db",
    saved_at=1_700_000_000.5,
    models=({"model_code": "op1", "meta": {"name": "DeepSeek-OCR"}, "fallback_model_code": None},),
    keys=({"key_hash": "ab" * 32, "name": "n8n", "allow": ["op1"]},),
    served={"op1": "deepseek-ai/DeepSeek-OCR"},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.json"


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


def test_a_snapshot_is_read_back_as_it_was_saved(path: Path) -> None:
    assert save(path, SNAPSHOT)
    assert load(path) == SNAPSHOT


def test_it_is_for_its_owner_only(path: Path) -> None:
    save(path, SNAPSHOT)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_one_is_none_without_a_word(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert load(path) is None
    assert warned(caplog) == []


def test_a_cut_or_changed_one_is_none_with_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(path, SNAPSHOT)
    whole = path.read_bytes()
    for damaged in (b"", b"{}", whole[:40], whole[:-20], whole.replace(b"op1", b"op2"), b"\xff" + whole):
        caplog.clear()
        path.write_bytes(damaged)
        assert load(path) is None
        assert warned(caplog) == ["snapshot_unreadable"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"store": "memory:"},
        {"store": "memory:", "saved_at": 0, "models": 7, "keys": [], "served": {}},
        {"store": "memory:", "saved_at": 0, "models": [7], "keys": [], "served": {}},
        {"store": "memory:", "saved_at": 0, "models": [], "keys": {"a": 1}, "served": {}},
        {"store": "memory:", "saved_at": 0, "models": [], "keys": [], "served": []},
        {"store": None, "saved_at": 0, "models": [], "keys": [], "served": {}},
        {"store": "memory:", "saved_at": "today", "models": [], "keys": [], "served": {}},
    ],
)
def test_one_of_another_shape_is_none_however_right_its_checksum(path: Path, body: object) -> None:
    written = orjson.dumps(body)
    head = orjson.dumps({"format": 1, "sha256": hashlib.sha256(written).hexdigest()})
    path.write_bytes(head + b"\n" + written + b"\n")
    assert load(path) is None


def test_one_of_another_format_is_none_with_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(path, SNAPSHOT)
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2'))
    assert load(path) is None
    assert warned(caplog) == ["snapshot_unreadable"]


def test_a_folder_in_its_place_is_none_with_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.mkdir()
    assert load(path) is None
    assert not save(path, SNAPSHOT)
    assert warned(caplog) == ["snapshot_unreadable", "snapshot_not_saved"]


def test_a_full_disk_leaves_the_last_good_one(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(path, SNAPSHOT)
    with full_disk(20):
        assert not save(path, Snapshot(store="memory:", saved_at=0.0))
    assert load(path) == SNAPSHOT
    assert warned(caplog) == ["snapshot_not_saved"]


def test_rows_that_json_cannot_hold_leave_the_last_good_one(path: Path) -> None:
    save(path, SNAPSHOT)
    assert not save(path, Snapshot(store="memory:", saved_at=0.0, models=({"large": 2**70},)))
    assert load(path) == SNAPSHOT


def test_a_key_that_strayed_into_a_row_is_not_written(path: Path) -> None:
    key = f"oo-{secrets.token_hex(32)}"
    save(path, Snapshot(store="memory:", saved_at=0.0, models=({"model_code": "op1", "meta": {"note": key}},)))
    assert key.encode() not in path.read_bytes()
    loaded = load(path)
    assert loaded is not None
    assert loaded.models[0]["meta"]["note"] == key[:7]


def test_the_file_and_its_name_are_on_disk_when_saving_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def watched_sync(file: int) -> None:
        steps.append(f"sync {Path(os.readlink(f'/proc/self/fd/{file}')).name}")
        sync(file)

    def watched_rename(source: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(Path, "replace", watched_rename)
    save(path, SNAPSHOT)
    assert steps == ["sync registry.json.new", "rename", f"sync {path.parent.name}"]
