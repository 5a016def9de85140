from pathlib import Path

import orjson
import pytest

from oneai.store.journal.refused import Refusal, set_aside, tally
from tests.store.test_journal import opened, row
from tests.store.test_journal_disk import full_disk

MB = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "refused.jsonl"


def refusals(start: int, end: int) -> list[Refusal]:
    return [(row(f"{n:04d}"), "breaks a rule") for n in range(start, end)]


def kept(path: Path) -> list[str]:
    return [orjson.loads(line)["row"]["id"] for line in path.read_bytes().splitlines()]


def add(path: Path, rows: list[Refusal], max_bytes: int = MB) -> int:
    return set_aside(path, rows, now=0.0, max_bytes=max_bytes)


def test_a_refused_row_is_kept_with_the_reason_and_the_time(path: Path) -> None:
    assert add(path, refusals(1, 2)) == 1
    assert orjson.loads(path.read_bytes()) == {
        "refused_at": "1970-01-01T00:00:00Z",
        "reason": "breaks a rule",
        "row": row("0001"),
    }
    assert path.stat().st_mode & 0o077 == 0


def test_a_row_that_is_shipped_twice_is_set_aside_once(path: Path) -> None:
    add(path, refusals(0, 3))
    assert add(path, refusals(2, 5)) == 5
    assert kept(path) == ["0000", "0001", "0002", "0003", "0004"]


def test_what_a_crash_left_of_a_line_is_cut_off(path: Path) -> None:
    add(path, refusals(0, 2))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert tally(path) == 2
    add(path, refusals(2, 3))
    assert kept(path) == ["0000", "0001", "0002"]


def test_the_oldest_half_goes_when_the_file_is_full(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    size = len(orjson.dumps({"refused_at": "1970-01-01T00:00:00Z", "reason": "breaks a rule", "row": row("0000")}))
    add(path, refusals(0, 99), max_bytes=100 * (size + 1))
    assert add(path, refusals(99, 101), max_bytes=100 * (size + 1)) == 50
    assert kept(path) == [f"{n:04d}" for n in range(51, 101)]
    assert tally(path) == 50
    assert [record.message for record in caplog.records] == ["refused_rows_dropped"]


def test_rows_that_are_more_than_the_file_may_hold_never_outgrow_it(path: Path) -> None:
    add(path, refusals(0, 100), max_bytes=1000)
    assert path.stat().st_size <= 1000
    assert kept(path)[-1] == "0099"


def test_a_full_disk_raises_and_leaves_whole_lines(path: Path) -> None:
    add(path, refusals(0, 5))
    size = path.stat().st_size
    with full_disk(size + 50), pytest.raises(OSError, match="space"):
        add(path, refusals(5, 10))
    assert path.stat().st_size == size


async def test_the_count_is_in_the_state_and_survives_a_restart(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    await journal.set_aside(refusals(0, 3))
    assert journal.state().refused == 3
    journal.close()
    heir = opened(tmp_path)
    assert heir.state().refused == 3
    heir.close()
