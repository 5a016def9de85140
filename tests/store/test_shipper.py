import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from oneai.errors import StoreLacks
from oneai.store.journal import Journal
from oneai.store.memory import MemoryStore
from oneai.store.shipper import Shipper
from oneai.types import Row
from tests.store.test_journal import killed, opened

CALL = "run_1"


def row(n: int, model: str = "op1") -> Row:
    return {"id": str(UUID(int=n)), "model_code": model, "task": "ocr", "call_id": CALL, "attempt": n}


class Server(MemoryStore):
    """A store that remembers what it was asked, and may lack its table."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[int]] = []
        self.lacks = False
        self.on_ask: Callable[[], None] = lambda: None

    async def add_usage(self, rows_: Sequence[Row]) -> None:
        self.asked.append([row["attempt"] for row in rows_])
        if self.lacks:
            raise StoreLacks(what="table model_usage_log")
        await super().add_usage(rows_)
        self.on_ask()

    async def held(self) -> list[int]:
        return [row["attempt"] for row in await self.calls(CALL)]


class Sleeper:
    """Sleeps for no time, remembers for how long, and ends its task after so many sleeps."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.slept: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) >= self._most:
            raise asyncio.CancelledError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(root: Path) -> Iterator[Journal]:
    journal = opened(root)
    yield journal
    journal.close()


@pytest.fixture
async def store() -> Server:
    store = Server()
    blank = {"domain": "ocr", "role": "primary", "provider": "p", "endpoint": "http://spark.example:8000/v1"}
    await store.put_models([blank | {"model_code": code} for code in ("op1", "op2")])
    return store


def shipper(journal: Journal, store: Server) -> Shipper:
    return Shipper(journal, store, sleep=Sleeper(), clock=lambda: 0.0)


def write(journal: Journal, start: int, end: int, model: str = "op1") -> None:
    for n in range(start, end):
        journal.append(row(n, model))


def refused(root: Path) -> list[int]:
    path = root / "refused.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [orjson.loads(line)["row"]["attempt"] for line in lines]


def no(why: str = "no permission") -> Callable[[Row], str | None]:
    return lambda row: why


async def test_rows_move_to_the_store_and_leave_the_journal(journal: Journal, store: Server) -> None:
    write(journal, 1, 6)
    assert await shipper(journal, store).ship() == 5
    assert await store.held() == [1, 2, 3, 4, 5]
    assert (journal.state().rows, journal.state().bytes, journal.oldest()) == (0, 0, None)


async def test_a_pass_with_nothing_to_ship_asks_the_store_nothing(journal: Journal, store: Server) -> None:
    journal.begin(row(1))
    assert await shipper(journal, store).ship() == 0
    assert store.asked == []


async def test_rows_go_in_batches_of_200_oldest_first(journal: Journal, store: Server) -> None:
    write(journal, 0, 250)
    journal.seal()
    write(journal, 250, 500)
    await shipper(journal, store).ship()
    assert [len(batch) for batch in store.asked] == [200, 50, 200, 50]
    assert [n for batch in store.asked for n in batch] == list(range(500))


async def test_a_store_that_is_away_loses_nothing_and_gets_all_of_it_later(journal: Journal, store: Server) -> None:
    ship = shipper(journal, store)
    store.away = "connection refused"
    write(journal, 0, 300)
    assert await ship.ship() == 0
    assert len(store.asked) == 1
    assert "connection refused" in str(ship.trouble)
    assert journal.state().rows == 300
    store.away = None
    assert await ship.ship() == 300
    assert ship.trouble is None
    assert await store.held() == list(range(300))


async def test_a_store_that_goes_away_in_the_middle_is_not_sent_the_same_batch_again(
    journal: Journal, store: Server
) -> None:
    write(journal, 0, 300)
    store.on_ask = lambda: setattr(store, "away", "gone")
    ship = shipper(journal, store)
    assert await ship.ship() == 200
    assert journal.state().rows == 100
    store.away, store.on_ask = None, lambda: None
    assert await ship.ship() == 100
    assert [len(batch) for batch in store.asked] == [200, 100, 100]


async def test_a_store_that_lacks_the_table_loses_nothing(journal: Journal, store: Server, root: Path) -> None:
    store.lacks = True
    write(journal, 0, 50)
    ship = shipper(journal, store)
    assert await ship.ship() == 0
    assert "model_usage_log" in str(ship.trouble)
    assert (journal.state().rows, refused(root)) == (50, [])


async def test_a_refused_batch_is_halved_down_to_the_rows_at_fault_and_the_rest_goes_on(
    journal: Journal, store: Server, root: Path
) -> None:
    write(journal, 0, 250)
    store.refuses = lambda row: "a rule is broken" if row["attempt"] in (3, 77, 249) else None
    ship = shipper(journal, store)
    assert await ship.ship() == 247
    assert await store.held() == [n for n in range(250) if n not in (3, 77, 249)]
    assert refused(root) == [3, 77, 249]
    assert (journal.state().refused, journal.state().rows, ship.trouble) == (3, 0, None)


async def test_the_reason_of_a_refusal_is_kept_with_the_row(journal: Journal, store: Server, root: Path) -> None:
    write(journal, 1, 2, model="op9")
    await shipper(journal, store).ship()
    line = orjson.loads((root / "refused.jsonl").read_bytes())
    assert "op9, which is not there" in line["reason"]


async def test_a_store_that_refuses_everything_for_one_reason_empties_no_journal(
    journal: Journal, store: Server, root: Path
) -> None:
    write(journal, 0, 1000)
    store.refuses = no()
    ship = shipper(journal, store)
    for _ in range(3):
        assert await ship.ship() == 0
    assert "no permission" in str(ship.trouble)
    assert (journal.state().rows, refused(root)) == (1000, [])
    assert len(store.asked) < 100
    store.refuses = lambda row: None
    assert await ship.ship() == 1000
    assert await store.held() == list(range(1000))


async def test_a_batch_of_ten_is_enough_to_doubt_the_store(journal: Journal, store: Server, root: Path) -> None:
    write(journal, 0, 10)
    store.refuses = no()
    assert await shipper(journal, store).ship() == 0
    assert (journal.state().rows, refused(root)) == (10, [])


async def test_a_store_that_starts_to_refuse_everything_in_the_middle_empties_no_journal(
    journal: Journal, store: Server, root: Path
) -> None:
    write(journal, 0, 600)
    store.on_ask = lambda: setattr(store, "refuses", no())
    assert await shipper(journal, store).ship() == 200
    assert (journal.state().rows, refused(root)) == (400, [])


async def test_rows_that_trickle_into_a_store_that_refuses_everything_are_held_before_the_tenth(
    journal: Journal, store: Server, root: Path
) -> None:
    store.refuses = no()
    ship = shipper(journal, store)
    for n in range(30):
        write(journal, n, n + 1)
        await ship.ship()
    assert refused(root) == list(range(9))
    assert journal.state().rows == 21


async def test_a_whole_batch_at_fault_is_set_aside_where_the_store_takes_a_later_row(
    journal: Journal, store: Server, root: Path
) -> None:
    write(journal, 0, 30)
    journal.append(row(99, model="op2"))
    store.refuses = lambda row: "no such model" if row["model_code"] == "op1" else None
    ship = shipper(journal, store)
    assert await ship.ship() == 1
    assert ship.trouble is None
    assert refused(root) == list(range(30))
    assert await store.held() == [99]


async def test_a_whole_batch_at_fault_is_set_aside_where_the_store_still_takes_what_it_took_before(
    journal: Journal, store: Server, root: Path
) -> None:
    ship = shipper(journal, store)
    write(journal, 0, 1, model="op2")
    await ship.ship()
    write(journal, 1, 31)
    store.refuses = lambda row: "no such model" if row["model_code"] == "op1" else None
    await ship.ship()
    assert (refused(root), ship.trouble) == (list(range(1, 31)), None)
    assert await store.held() == [0]


async def test_rows_at_fault_among_good_ones_raise_no_doubt(journal: Journal, store: Server, root: Path) -> None:
    write(journal, 0, 60)
    store.refuses = lambda row: "bad" if row["attempt"] % 2 else None
    await shipper(journal, store).ship()
    assert refused(root) == list(range(1, 60, 2))
    assert len(store.asked) == len({tuple(batch) for batch in store.asked})


async def test_many_rows_at_fault_for_reasons_of_their_own_are_set_aside(
    journal: Journal, store: Server, root: Path
) -> None:
    write(journal, 0, 30)
    store.refuses = lambda row: f"row {row['attempt']} is bad"
    await shipper(journal, store).ship()
    assert refused(root) == list(range(30))


async def test_a_segment_shipped_in_part_before_a_kill_is_shipped_again_without_harm(
    root: Path, journal: Journal, store: Server
) -> None:
    write(journal, 0, 500)
    left: list[Path] = []
    store.on_ask = lambda: left.append(killed(root))
    await shipper(journal, store).ship()
    store.on_ask = lambda: None
    for folder in left:
        heir = opened(folder)
        assert await shipper(heir, store).ship() == 500
        heir.close()
    assert await store.held() == list(range(500))


async def test_a_row_set_aside_before_a_kill_is_set_aside_once(root: Path, journal: Journal, store: Server) -> None:
    write(journal, 0, 20)
    store.refuses = lambda row: "bad" if row["attempt"] == 3 else None
    left = killed(root)
    await shipper(journal, store).ship()
    (left / "refused.jsonl").write_bytes((root / "refused.jsonl").read_bytes())
    heir = opened(left)
    await shipper(heir, store).ship()
    assert refused(left) == [3]
    assert heir.state().refused == 1
    heir.close()


async def test_unreadable_lines_do_not_stop_the_rows_around_them(root: Path, journal: Journal, store: Server) -> None:
    write(journal, 0, 3)
    left = killed(root)
    (file,) = left.glob("*/*.jsonl")
    file.write_bytes(b"garbage\n" + file.read_bytes() + b"\x00\n{cut")
    heir = opened(left)
    assert await shipper(heir, store).ship() == 3
    assert heir.state().unreadable == 3
    heir.close()


async def test_rows_stay_in_the_journal_while_the_refused_ones_cannot_be_set_aside(
    root: Path, journal: Journal, store: Server
) -> None:
    write(journal, 0, 5)
    (root / "refused.jsonl").mkdir()
    store.refuses = lambda row: "bad" if row["attempt"] == 3 else None
    ship = shipper(journal, store)
    await ship.ship()
    assert "directory" in str(ship.trouble)
    assert journal.state().rows == 5
    (root / "refused.jsonl").rmdir()
    assert await ship.ship() == 4
    assert (refused(root), ship.trouble) == ([3], None)


async def test_rows_added_while_a_pass_runs_wait_for_the_next(journal: Journal, store: Server) -> None:
    write(journal, 0, 1)
    store.on_ask = lambda: write(journal, len(store.asked), len(store.asked) + 1)
    ship = shipper(journal, store)
    assert await ship.ship() == 1
    assert await ship.ship() == 1
    assert await store.held() == [0, 1]


async def test_three_quarters_of_the_time_are_rested(journal: Journal, store: Server) -> None:
    write(journal, 0, 400)
    busy = iter([0.0, 0.25, 10.0, 11.0, 20.0, 20.5])
    sleeper = Sleeper()
    await Shipper(journal, store, sleep=sleeper, clock=lambda: next(busy)).ship()
    assert sleeper.slept == [0.75, 3.0, 1.5]


async def run(journal: Journal, store: Server, *, pauses: int, chance: float) -> list[float]:
    sleeper = Sleeper(pauses)
    ship = Shipper(journal, store, sleep=sleeper, clock=lambda: 0.0, chance=lambda: chance)
    with pytest.raises(asyncio.CancelledError):
        await ship.run()
    return sleeper.slept


async def test_tries_grow_apart_from_1_s_to_60_s_while_the_store_is_away(journal: Journal, store: Server) -> None:
    write(journal, 0, 1)
    store.away = "gone"
    assert await run(journal, store, pauses=9, chance=1.0) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_chance_spreads_the_tries_but_never_below_1_s(journal: Journal, store: Server) -> None:
    write(journal, 0, 1)
    store.away = "gone"
    assert await run(journal, store, pauses=8, chance=0.0) == [1, 1, 2, 4, 8, 16, 30, 30]


async def test_all_is_as_before_once_the_store_is_back(journal: Journal, store: Server) -> None:
    write(journal, 0, 1)
    store.away = "gone"
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            store.away = None
        if len(slept) == 6:
            raise asyncio.CancelledError

    ship = Shipper(journal, store, sleep=sleep, clock=lambda: 0.0, chance=lambda: 1.0)
    with pytest.raises(asyncio.CancelledError):
        await ship.run()
    # The zero is the rest after the batch that went through at last.
    assert slept == [1, 2, 4, 0, 2, 2]
    assert await store.held() == [0]


async def test_a_store_that_stays_away_is_said_once(
    journal: Journal, store: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="oneai")
    write(journal, 0, 1)
    ship = shipper(journal, store)
    store.away = "gone"
    await ship.ship()
    await ship.ship()
    store.away = None
    await ship.ship()
    assert [record.message for record in caplog.records] == ["shipping_stopped", "shipping_resumed"]
