import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from oneai.errors import BadSetting
from oneai.store.journal import Journal
from oneai.types import Row

MB = 1_000_000
_copies = count()


def row(id: str, **more: object) -> Row:
    return {"id": id, "model_code": "op1", "call_id": f"run_{id}", "success": True, **more}


def opened(root: Path, max_bytes: int = MB, *, segment_bytes: int = MB, memory_lines: int = 10_000) -> Journal:
    return Journal.open(root, max_bytes=max_bytes, segment_bytes=segment_bytes, memory_lines=memory_lines)


def killed(root: Path) -> Path:
    """The folder as a `kill -9` now would leave it: the same files, and nobody who holds a lock on them."""
    return Path(shutil.copytree(root, root.with_name(f"{root.name}-{next(_copies)}")))


async def drained(journal: Journal) -> list[Row]:
    rows: list[Row] = []
    journal.seal()
    while part := journal.oldest():
        batch = await journal.read(part, 200)
        rows += batch.rows
        journal.acknowledge(part, batch)
    return rows


def folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir()]


def segments(root: Path) -> list[Path]:
    return sorted(root.rglob("*.jsonl"))


def ids(rows: list[Row]) -> list[str]:
    return [found["id"] for found in rows]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(root: Path) -> Iterator[Journal]:
    journal = opened(root)
    yield journal
    journal.close()


async def test_an_appended_row_is_read_back_as_it_was(journal: Journal) -> None:
    written = row("1", message="naïve \\u0000 “quoted”\n", cost_usd=0.25, doc_id=None)
    journal.append(written)
    assert await drained(journal) == [written]


def test_an_append_is_one_write(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    real = os.write

    def watched(file: int, line: bytes) -> int:
        writes.append(line)
        return real(file, line)

    monkeypatch.setattr(os, "write", watched)
    journal.append(row("1"))
    assert len(writes) == 1
    assert writes[0].count(b"\n") == 1


async def test_a_row_that_cannot_be_written_is_counted_and_harms_no_other(journal: Journal) -> None:
    circle: list[object] = []
    circle.append(circle)
    journal.append(row("1", meta=circle))
    journal.append({"model_code": "op1"})
    journal.append(row("2"))
    assert journal.state().dropped == 2
    assert ids(await drained(journal)) == ["2"]


async def test_the_state_counts_rows_and_bytes_until_they_are_acknowledged(journal: Journal) -> None:
    for n in range(3):
        journal.append(row(str(n)))
    before = journal.state()
    assert (before.rows, before.bytes > 0, before.degraded) == (3, True, None)
    journal.seal()
    assert journal.state().rows == 3
    part = journal.oldest()
    assert part is not None
    journal.acknowledge(part, await journal.read(part, 2))
    assert journal.state().rows == 1
    await drained(journal)
    assert (journal.state().rows, journal.state().bytes) == (0, 0)


async def test_rows_are_found_by_call_id_and_by_request_id_until_acknowledged(journal: Journal) -> None:
    journal.append(row("1", call_id="run_a", request_id="r-1"))
    journal.append(row("2", call_id="run_b", request_id="r-1"))
    journal.seal()
    journal.append(row("3", call_id="run_a", request_id="r-2"))
    assert ids(await journal.find("run_a")) == ["1", "3"]
    assert ids(await journal.find("r-1")) == ["1", "2"]
    assert await journal.find("1") == []
    await drained(journal)
    assert await journal.find("run_a") == []


async def test_rows_acknowledged_in_part_of_a_segment_are_not_found(journal: Journal) -> None:
    for n in range(3):
        journal.append(row(str(n), request_id="r"))
    journal.seal()
    part = journal.oldest()
    assert part is not None
    journal.acknowledge(part, await journal.read(part, 2))
    assert ids(await journal.find("r")) == ["2"]


async def test_a_begun_row_is_found_only_when_it_is_done(journal: Journal) -> None:
    journal.begin(row("1", call_id="run_a"))
    assert await journal.find("run_a") == []
    journal.append(row("1", call_id="run_a"))
    assert ids(await journal.find("run_a")) == ["1"]


async def test_a_dead_process_s_rows_are_adopted_oldest_first(root: Path) -> None:
    first, second = opened(root), opened(root)
    first.append(row("1"))
    first.seal()
    second.append(row("2"))
    second.seal()
    first.append(row("3"))
    heir = opened(killed(root))
    heir.append(row("4"))
    assert ids(await drained(heir)) == ["1", "2", "3", "4"]
    for journal in (first, second, heir):
        journal.close()


async def test_a_living_process_s_rows_are_left_alone(root: Path, journal: Journal) -> None:
    journal.append(row("1"))
    other = opened(root)
    assert await drained(other) == []
    other.close()
    assert ids(await drained(journal)) == ["1"]


async def test_what_is_left_of_an_adopted_folder_is_removed(root: Path) -> None:
    journal = opened(root)
    journal.append(row("1"))
    left = killed(root)
    journal.close()
    heir = opened(left)
    assert len(folders(left)) == 1
    heir.close()


async def test_adopted_rows_are_counted_once_tended(root: Path, journal: Journal) -> None:
    journal.begin(row("0"))
    for n in range(3):
        journal.append(row(str(n)))
    heir = opened(killed(root))
    await heir.tend()
    assert heir.state().rows == 3
    heir.close()


async def test_a_begun_row_without_its_end_becomes_one_that_says_the_gateway_died(root: Path, journal: Journal) -> None:
    journal.begin(row("1", success=True, tokens_out=None))
    heir = opened(killed(root))
    assert await drained(heir) == [row("1", tokens_out=None) | {"success": False, "error_class": "gateway_died"}]
    heir.close()


async def test_a_begun_row_that_ended_stays_what_it_was(root: Path, journal: Journal) -> None:
    journal.begin(row("1"))
    journal.append(row("1", tokens_out=7))
    heir = opened(killed(root))
    assert await drained(heir) == [row("1", tokens_out=7)]
    heir.close()


async def test_a_begun_row_outlives_the_shipping_of_the_segment_it_was_begun_in(root: Path, journal: Journal) -> None:
    journal.begin(row("open"))
    for n in range(3):
        journal.append(row(str(n)))
        assert ids(await drained(journal)) == [str(n)]
    heir = opened(killed(root))
    assert ids(await drained(heir)) == ["open"]
    heir.close()


async def test_a_row_done_in_a_later_segment_than_it_began_in_is_one_row(root: Path, journal: Journal) -> None:
    journal.begin(row("open"))
    journal.append(row("1"))
    journal.seal()
    journal.append(row("open"))
    journal.append(row("2"))
    journal.seal()
    journal.append(row("3"))
    heir = opened(killed(root))
    assert ids(await drained(heir)) == ["1", "open", "2", "3"]
    heir.close()


async def test_a_crash_right_after_a_segment_was_started_loses_no_begun_row(root: Path, journal: Journal) -> None:
    journal.begin(row("open"))
    left = killed(root)
    (folder,) = folders(left)
    (folder / f"{'9' * 17}-deadbeef.jsonl").touch()
    heir = opened(left)
    assert ids(await drained(heir)) == ["open"]
    heir.close()


async def test_a_begun_row_is_not_carried_on_once_it_is_done(journal: Journal) -> None:
    journal.begin(row("1"))
    journal.append(row("1"))
    await drained(journal)
    assert journal.state().bytes == 0


async def test_a_crash_in_the_middle_of_an_adoption_makes_no_row_die_that_was_done(
    root: Path, journal: Journal
) -> None:
    journal.begin(row("open"))
    journal.append(row("1"))
    journal.seal()
    journal.append(row("open"))
    half = killed(root)
    (folder,) = folders(half)
    heir = half / "00000000000000000-deadbeef"
    heir.mkdir()
    oldest = segments(folder)[0]
    oldest.rename(heir / oldest.name)
    last = opened(half)
    assert sorted(ids(await drained(last))) == ["1", "open"]
    last.close()


async def test_a_crash_after_an_adoption_ships_the_died_row_all_the_same(root: Path, journal: Journal) -> None:
    journal.begin(row("1"))
    adopted = killed(root)
    first = opened(adopted)
    second = opened(killed(adopted))
    assert [found["error_class"] for found in await drained(second)] == ["gateway_died"]
    first.close()
    second.close()


async def test_an_unreadable_line_is_skipped_and_counted(root: Path, journal: Journal) -> None:
    journal.append(row("1"))
    left = killed(root)
    (file,) = segments(left)
    junk = b'\xff\xfe garbage\n[1, 2]\n{"no": "id"}\n{"id": 7}\n'
    file.write_bytes(junk + file.read_bytes() + b"\0\0\0" + file.read_bytes() + b'{"id": "cut o')
    heir = opened(left)
    assert ids(await drained(heir)) == ["1", "1"]
    assert heir.state().unreadable == 5
    heir.close()


async def test_a_big_segment_is_rotated(root: Path) -> None:
    journal = opened(root, segment_bytes=1000)
    while not journal.oldest():
        journal.append(row("1", message="x" * 100))
        await journal.tend()
    assert journal.state().rows == journal.state().bytes // 160
    assert journal.state().bytes >= 1000
    journal.close()


async def test_the_oldest_segment_goes_when_the_journal_is_full_and_its_rows_are_counted(root: Path) -> None:
    journal = opened(root, max_bytes=5000, segment_bytes=1000)
    for n in range(100):
        journal.append(row(str(n), message="x" * 100))
        await journal.tend()
    state = journal.state()
    assert state.bytes <= 5000
    assert state.dropped > 0
    assert ids(await drained(journal)) == [str(n) for n in range(state.dropped, 100)]
    journal.close()


async def test_a_batch_of_a_segment_that_was_dropped_meanwhile_is_no_error(root: Path) -> None:
    journal = opened(root, max_bytes=5000, segment_bytes=1000)
    journal.append(row("1"))
    journal.seal()
    part = journal.oldest()
    assert part is not None
    journal.append(row("2", message="x" * 6000))
    await journal.tend()
    batch = await journal.read(part, 200)
    journal.acknowledge(part, batch)
    assert (batch.rows, batch.last, journal.state().dropped) == ((), True, 2)
    journal.close()


async def test_names_sort_by_age_even_when_the_clock_goes_back(root: Path) -> None:
    hours = iter((9.0, 9.0, 3.0, 3.0, 3.0))
    journal = Journal.open(root, max_bytes=MB, clock=lambda: next(hours))
    for n in range(3):
        journal.append(row(str(n)))
        journal.seal()
    left = opened(killed(root))
    assert ids(await drained(left)) == ["0", "1", "2"]
    journal.close()
    left.close()


async def test_what_was_written_is_synced_off_the_loop_and_only_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(threading.get_ident()))
    await journal.tend()
    assert synced == []
    journal.append(row("1"))
    await journal.tend()
    await journal.tend()
    assert len(synced) == 1
    assert threading.get_ident() not in synced


async def test_a_sealed_segment_is_synced_too(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append((os.fstat(file).st_ino, os.fstat(file).st_size)))
    journal.append(row("1"))
    journal.seal()
    part = journal.oldest()
    assert part is not None
    await journal.tend()
    assert (part.path.stat().st_ino, part.bytes) in synced


async def test_a_sync_that_fails_is_said_until_one_succeeds(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fdatasync", broken)
        journal.append(row("1"))
        await journal.tend()
        assert journal.state().degraded == "sync: Input/output error"
    await journal.tend()
    assert journal.state().degraded is None


async def test_closing_an_empty_journal_leaves_no_folder(root: Path) -> None:
    journal = opened(root)
    journal.append(row("1"))
    await drained(journal)
    journal.close()
    assert folders(root) == []


async def test_closing_leaves_what_waits_to_the_next_one(root: Path) -> None:
    journal = opened(root)
    journal.append(row("1"))
    journal.begin(row("2"))
    journal.close()
    heir = opened(root)
    assert sorted(ids(await drained(heir))) == ["1", "2"]
    heir.close()


async def test_a_row_that_comes_after_closing_raises_nothing(root: Path) -> None:
    journal = opened(root)
    journal.close()
    journal.append(row("1"))
    assert journal.state().in_memory == 1


async def test_no_open_file_is_left_behind(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    journal = opened(root)
    for n in range(5):
        journal.append(row(str(n)))
        journal.seal()
        await journal.tend()
    await asyncio.to_thread(journal.close)
    opened(root).close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_files_are_for_their_owner_only(root: Path) -> None:
    journal = opened(root)
    journal.append(row("1"))
    modes = {path.stat().st_mode & 0o077 for path in [root, *root.rglob("*")]}
    assert modes == {0}
    journal.close()


def test_a_folder_that_cannot_be_written_to_is_named_with_what_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    with pytest.raises(BadSetting, match=r"ONEAI_HOME.*File exists"):
        opened(tmp_path / "journal")
