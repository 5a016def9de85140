"""A disk that is full: made so by a limit on the size of files, which the kernel enforces with short writes."""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oneai.store.journal import Journal
from oneai.types import Row
from tests.store.test_journal import drained, ids, killed, opened, row, segments

LIMIT = 4000


@contextmanager
def full_disk(limit: int = LIMIT) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def long_row(n: int) -> Row:
    return row(f"{n:03d}", message="x" * 100)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(root: Path) -> Iterator[Journal]:
    journal = opened(root)
    yield journal
    journal.close()


def fill(journal: Journal, rows: int = 50) -> None:
    for n in range(rows):
        journal.append(long_row(n))


async def test_a_row_that_the_disk_refuses_waits_in_memory_and_is_said(journal: Journal) -> None:
    with full_disk():
        fill(journal)
        state = journal.state()
    assert state.rows + state.in_memory == 50
    assert state.in_memory > 0
    assert str(state.degraded).startswith("append: ")


async def test_a_short_write_is_cut_back_to_the_last_good_length(root: Path, journal: Journal) -> None:
    with full_disk():
        fill(journal)
    (file,) = segments(root)
    assert file.stat().st_size == journal.state().bytes < LIMIT
    assert file.read_bytes().endswith(b"\n")


async def test_a_full_disk_hides_no_row_from_find(journal: Journal) -> None:
    with full_disk():
        fill(journal)
        assert ids(await journal.find("run_049")) == ["049"]
        assert ids(await journal.find("run_000")) == ["000"]


async def test_waiting_rows_are_written_once_there_is_room_and_all_is_well_again(journal: Journal) -> None:
    with full_disk():
        fill(journal, 400)
        await journal.tend()
        assert journal.state().in_memory > 0
    await journal.tend()
    assert (journal.state().in_memory, journal.state().degraded, journal.state().dropped) == (0, None, 0)
    assert sorted(ids(await drained(journal))) == [f"{n:03d}" for n in range(400)]


async def test_the_oldest_waiting_row_is_dropped_and_counted_when_memory_is_full(root: Path) -> None:
    journal = opened(root, memory_lines=10)
    with full_disk(0):
        fill(journal, 25)
        assert (journal.state().in_memory, journal.state().dropped) == (10, 15)
    await journal.tend()
    assert ids(await drained(journal)) == [f"{n:03d}" for n in range(15, 25)]
    journal.close()


async def test_a_row_that_never_reached_the_disk_leaves_its_beginning_there(root: Path, journal: Journal) -> None:
    journal.begin(row("open"))
    with full_disk(0):
        journal.append(row("open"))
    heir = opened(killed(root))
    assert [found["error_class"] for found in await drained(heir)] == ["gateway_died"]
    heir.close()


async def test_a_died_row_that_found_no_room_is_not_lost_with_the_segment_it_began_in(
    root: Path, journal: Journal
) -> None:
    journal.begin(row("open"))
    left = killed(root)
    with full_disk(0):
        heir = opened(left)
    for n in range(3):
        heir.append(row(str(n)))
        assert ids(await drained(heir)) == [str(n)]
    last = opened(killed(left))
    assert [found["error_class"] for found in await drained(last)] == ["gateway_died"]
    heir.close()
    last.close()


async def test_calls_go_on_while_many_rows_are_written_at_last(journal: Journal) -> None:
    with full_disk(0):
        fill(journal, 1000)
    seen: list[int] = []

    async def call() -> None:
        while journal.state().in_memory:
            seen.append(journal.state().in_memory)
            await asyncio.sleep(0)

    await asyncio.gather(journal.tend(), call())
    assert seen == [800, 600, 400, 200]


async def test_a_segment_that_cannot_be_started_leaves_the_old_one_in_use(root: Path, journal: Journal) -> None:
    journal.begin(row("open"))
    journal.append(row("1"))
    with full_disk(0):
        journal.seal()
        assert journal.oldest() is None
        assert str(journal.state().degraded).startswith("rotate: ")
    assert len(segments(root)) == 1
    journal.seal()
    assert journal.state().degraded is None
    assert ids(await drained(journal)) == ["1"]


async def test_a_short_write_that_cannot_be_cut_back_yet_spoils_no_later_row(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(file: int, length: int) -> None:
        raise OSError(5, "Input/output error")

    journal.append(row("1"))
    with full_disk(journal.state().bytes + 20), monkeypatch.context() as disk:
        disk.setattr(os, "ftruncate", broken)
        journal.append(row("2"))
        journal.append(row("3"))
    await journal.tend()
    journal.append(row("4"))
    assert ids(await drained(journal)) == ["1", "2", "3", "4"]
    assert journal.state().unreadable == 0


async def test_closing_with_rows_that_found_no_room_says_how_many_are_lost(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = opened(root)
    with full_disk(0):
        fill(journal, 3)
        journal.close()
    lost = [record for record in caplog.records if record.message == "journal_rows_lost"]
    assert [record.__dict__["fields"] for record in lost] == [{"rows": 3}]
