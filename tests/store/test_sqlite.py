import asyncio
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from oneai.errors import BadSetting, StoreAway, StoreRefused
from oneai.store import Store, UsageQuery, opened
from oneai.store.sqlite import SqliteStore, connect, mounts, schema
from oneai.types import Row

MODEL: Row = {
    "model_code": "op1",
    "domain": "ocr",
    "role": "primary",
    "provider": "paddle",
    "endpoint": "http://spark.example:8000/v1/chat/completions",
}


def attempt(number: int, at: str = "2026-01-02T03:04:05.678Z") -> Row:
    return {"id": str(UUID(int=number)), "model_code": "op1", "task": "ocr", "call_id": "run_1", "created_at": at}


async def calls(store: Store) -> int:
    return sum(line.calls for line in await store.usage(UsageQuery(since="2026-01-01T00:00:00Z", exact=True)))


async def test_the_file_and_what_lies_beside_it_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "oneai.db"
    async with opened(f"sqlite:{path}") as store:
        await store.put_models([MODEL])
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"oneai.db": 0o600, "oneai.db-wal": 0o600, "oneai.db-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "oneai.db"
    path.touch(mode=0o644)
    async with opened(f"sqlite:{path}"):
        assert path.stat().st_mode & 0o777 == 0o600


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/oneai.db"
    async with opened(url) as store:
        await store.put_models([MODEL])
        before = await store.models()
    async with opened(url) as store:
        assert await store.models() == before


async def test_times_are_kept_in_one_width_that_sorts(tmp_path: Path) -> None:
    async with opened(f"sqlite:{tmp_path}/oneai.db") as store:
        await store.put_models([MODEL])
        given = [
            "2026-01-02T03:04:05Z",
            "2026-01-02 05:04:05.5+02:00",
            "2026-01-02T03:04:05.678912",
            "20260102T030405Z",
        ]
        await store.add_usage([attempt(number, at) for number, at in enumerate(given)])
        found = {row["id"]: row["created_at"] for row in await store.calls("run_1")}
    assert [found[str(UUID(int=number))] for number in range(4)] == [
        "2026-01-02T03:04:05.000Z",
        "2026-01-02T03:04:05.500Z",
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.000Z",
    ]


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        ("nfs4", "/mnt/nas"),
        ("cifs", "/mnt/nas/home dir"),
        ("smb3", "/mnt"),
        ("9p", "/"),
        ("fuse.sshfs", "/mnt/nas"),
        ("fuse.rclone", "/mnt/nas"),
        ("glusterfs", "/mnt/nas"),
        ("ceph", "/mnt/nas"),
    ],
)
async def test_a_network_file_system_is_refused_by_name(kind: str, point: str) -> None:
    escaped = point.replace(" ", "\\040")
    table = f"/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\nnas.example:/x {escaped} {kind} rw 0 0\n"
    with pytest.raises(BadSetting, match=f"{point} \\({kind}\\)"):
        await connect(Path("/mnt/nas/home dir/oneai.db"), mounted=lambda: table)


@pytest.mark.parametrize(
    "table",
    [
        "",
        "/dev/sda1 / ext4 rw 0 0\nnas.example:/x /mnt nfs rw 0 0\n/dev/sdb1 /mnt/nas btrfs rw 0 0\n",
        "/dev/sda1 / ext4 rw 0 0\nnas.example:/x /mnt/na nfs rw 0 0\n",
        "nas.example:/x /mnt/nas nfs rw 0 0\n/dev/sdb1 /mnt/nas ext4 rw 0 0\n",
        "/dev/sdb1 / fuse.mergerfs rw 0 0\n",
    ],
)
def test_a_local_file_system_is_taken(table: str) -> None:
    mounts.refuse_network(Path("/mnt/nas/oneai.db"), table)


async def test_a_folder_that_cannot_be_made_is_a_store_away(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreAway, match="file"):
        await connect(tmp_path / "file" / "oneai.db")


async def test_a_folder_in_place_of_the_file_is_a_store_away(tmp_path: Path) -> None:
    (tmp_path / "oneai.db").mkdir()
    with pytest.raises(StoreAway, match="cannot be opened"):
        await connect(tmp_path / "oneai.db")


async def test_a_damaged_file_is_a_store_away_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "oneai.db"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreAway, match="damaged"):
        await connect(path)
    assert path.read_bytes().startswith(b"this is no database")


async def test_a_file_of_a_newer_oneai_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "oneai.db"
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(StoreRefused, match="schema 99"):
        await connect(path)


def test_each_rung_is_climbed_once_and_in_order(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    first = ("create table a (x)", "insert into a values (1)")
    schema.climb(db, (first,))
    schema.climb(db, (first, ("alter table a add column y default 7",)))
    schema.climb(db, (first, ("alter table a add column y default 7",)))
    assert db.execute("select * from a").fetchall() == [(1, 7)]
    assert schema.version(db) == 2
    db.close()


def test_a_rung_that_breaks_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        schema.climb(db, (("create table a (x)",), ("create table b (x)", "no statement")))
    assert schema.version(db) == 0
    assert db.execute("select count(*) from sqlite_master").fetchone() == (0,)
    db.close()


def test_many_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from oneai.store import opened\n"
        "async def main():\n"
        "    async with opened(sys.argv[1]) as store: print(len(await store.models()))\n"
        "sys.stdin.readline()\n"
        "asyncio.run(main())\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, f"sqlite:{tmp_path}/oneai.db"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(6)
    ]
    for process in started:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
    assert [process.communicate() for process in started] == [(b"0\n", b"")] * 6


async def test_a_new_file_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "oneai.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin exclusive")
        letting_go = threading.Timer(0.3, other.execute, ["rollback"])
        letting_go.start()
        async with opened(f"sqlite:{path}") as store:
            assert await store.models() == []
        letting_go.join()


async def test_a_writer_that_holds_the_file_too_long_is_a_store_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneai.store.sqlite.lane._BUSY_S", 0.01)
    async with opened(f"sqlite:{tmp_path}/oneai.db") as store:
        other = sqlite3.connect(tmp_path / "oneai.db", isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(StoreAway, match="another process"):
            await store.put_models([MODEL])
        other.execute("rollback")
        other.close()
        await store.put_models([MODEL])
        assert len(await store.models()) == 1


async def test_a_long_read_does_not_hold_up_a_write(tmp_path: Path) -> None:
    store = await connect(tmp_path / "oneai.db")
    reading, may_end = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> int:
        cursor = db.execute("select 1 union all select 2")
        first: int = cursor.fetchone()[0]
        reading.set()
        may_end.wait()
        return first

    read = asyncio.ensure_future(store._reader.run(slow))
    await asyncio.to_thread(reading.wait)
    await store.put_models([MODEL])
    assert not read.done()
    may_end.set()
    assert await read == 1
    await store.close()


async def test_a_cancelled_write_is_done_whole_and_the_store_goes_on(tmp_path: Path) -> None:
    async with opened(f"sqlite:{tmp_path}/oneai.db") as store:
        await store.put_models([MODEL])
        for number in range(20):
            batch = [attempt(100 * number + row) for row in range(100)]
            write = asyncio.ensure_future(store.add_usage(batch))
            await asyncio.sleep(0)
            write.cancel()
            with pytest.raises(asyncio.CancelledError):
                await write
        await store.add_usage([attempt(10_000)])
        assert await calls(store) % 100 == 1


async def test_closing_ends_a_read_under_way(tmp_path: Path) -> None:
    store = await connect(tmp_path / "oneai.db")
    reading = threading.Event()

    def endless(db: sqlite3.Connection) -> None:
        db.create_function("started", 0, reading.set)
        db.execute(
            "with recursive n(x) as (select started() union all select x from n) select count(*) from n"
        ).fetchone()

    read = asyncio.ensure_future(store._reader.run(endless))
    await asyncio.to_thread(reading.wait)
    await store.close()
    with pytest.raises(StoreAway, match="closed"):
        await read


async def test_a_closed_store_is_away_and_may_be_closed_again(tmp_path: Path) -> None:
    store = await connect(tmp_path / "oneai.db")
    await store.close()
    await store.close()
    with pytest.raises(StoreAway, match="closed"):
        await store.models()


async def test_more_old_rows_than_one_prune_takes_all_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneai.store.sqlite.store._PRUNED_AT_ONCE", 10)
    async with opened(f"sqlite:{tmp_path}/oneai.db") as store:
        await store.put_models([MODEL])
        await store.add_usage([attempt(number) for number in range(45)])
        assert await store.prune("2026-02-01T00:00:00Z") == 45
        assert await calls(store) == 0


async def test_a_batch_of_more_than_a_transaction_holds_stops_at_the_part_at_fault(tmp_path: Path) -> None:
    async with opened(f"sqlite:{tmp_path}/oneai.db") as store:
        await store.put_models([MODEL])
        rows = [attempt(number) for number in range(450)]
        rows[250] |= {"model_code": "op9"}
        with pytest.raises(StoreRefused, match="op9"):
            await store.add_usage(rows)
        assert await calls(store) == 200


async def test_what_is_missing_or_out_of_date_is_found(tmp_path: Path) -> None:
    store: SqliteStore = await connect(tmp_path / "oneai.db")
    db = sqlite3.connect(tmp_path / "oneai.db")
    db.execute("drop table usage_hourly")
    db.execute("alter table model_usage_log drop column circuit")
    db.execute("pragma user_version = 0")
    db.commit()
    db.close()
    wrong = {finding.name: finding for finding in await store.check() if not finding.ok}
    await store.close()
    assert wrong.keys() == {"table usage_hourly", "table model_usage_log", "schema version"}
    assert "circuit" in wrong["table model_usage_log"].detail
    assert wrong["table model_usage_log"].fatal
    assert not wrong["table usage_hourly"].fatal
    assert all(finding.remedy for finding in wrong.values())


async def test_an_unknown_scheme_is_named_with_what_is_accepted() -> None:
    with pytest.raises(BadSetting, match="found mongodb; accepted is memory:, sqlite:/path"):
        async with opened("mongodb://db.example"):
            pass


async def test_supabase_without_its_key_is_a_setting_that_is_missing() -> None:
    with pytest.raises(BadSetting, match="SUPABASE_SERVICE_KEY"):
        async with opened("supabase:https://project.example"):
            pass
