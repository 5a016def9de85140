"""The SQL for Supabase: its shape, and, where PostgreSQL is installed, what a real server makes of it."""

import os
import pwd
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from oneai.store import migrations, rollup, rows
from oneai.store.columns import TABLES
from oneai.store.sqlite.checkup import HOURLY
from oneai.types import Row

MODELS = """insert into models (model_code, domain, role, provider, endpoint)
  select code, 'ocr', 'primary', 'paddle', 'http://spark.example:8000/' from unnest(array['op1', 'op2']) as code;"""

Sql = Callable[[str], str]


def sql(number: int) -> str:
    return next(script.sql for script in migrations.scripts() if script.number == number)


def test_scripts_are_numbered_from_one_without_a_gap() -> None:
    numbers = [script.number for script in migrations.scripts()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers[2:]


def test_what_is_pasted_holds_every_script_in_order_and_ends_by_telling_postgrest() -> None:
    pasted = migrations.all_sql()
    places = [pasted.index(script.sql) for script in migrations.scripts()]
    assert places == sorted(places)
    assert pasted.rstrip().endswith("notify pgrst, 'reload schema';")


def test_nothing_is_created_that_would_fail_the_second_time() -> None:
    created = re.findall(r"(?im)^(?:create|\s+add column) .{0,50}", migrations.all_sql())
    assert len(created) > 20
    assert [line for line in created if not re.search(r"if not exists|or replace", line)] == []


def test_postgres_and_python_count_latencies_by_the_same_constants() -> None:
    body = re.search(r"function public\.oneai_latency_bucket.*?\$\$(.*?)\$\$", sql(3), re.S)
    assert body
    growth, last = re.search(r"/ ln\(([\d.]+)::double precision\)", body[1]), re.search(r", (\d+)\)\s*$", body[1])
    assert growth
    assert last
    assert (float(growth[1]), int(last[1])) == (rollup.GROWTH, rollup.LAST)


def _program(name: str) -> str | None:
    places = [os.environ.get("PATH", ""), *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    return shutil.which(name, path=os.pathsep.join(places))


def _run(name: str, *arguments: str, given: str | None = None) -> str:
    # PostgreSQL does not run as root.
    nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    owner: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if nobody else {}
    program = _program(name)
    assert program
    done = subprocess.run(
        [program, *arguments], input=given, text=True, capture_output=given is not None, cwd="/", check=False, **owner
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    return done.stdout or ""


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """The folder with the socket of a PostgreSQL of our own."""
    if not all(_program(name) for name in ("initdb", "pg_ctl", "psql")):
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder, data, log = Path(name), f"{name}/data", f"{name}/log"
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        _run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N", given="")
        options = f"-k {name} -c listen_addresses='' -c fsync=off -c timezone=Asia/Kolkata"
        _run("pg_ctl", "start", "-w", "-s", "-D", data, "-l", log, "-o", options)
        try:
            yield folder
        finally:
            _run("pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", data)


@pytest.fixture
def ask(server: Path, request: pytest.FixtureRequest) -> Sql:
    """Runs SQL in a database of the test's own, as psql does: statement by statement, ending at the first error."""
    name = f"db_{abs(hash(request.node.nodeid))}"
    common = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(server), "-U", "postgres"]

    def run(statements: str) -> str:
        return _run("psql", *common, "-d", name, given=statements).strip()

    _run("psql", *common, "-d", "postgres", given=f"create database {name};")
    return run


def rows_of(ask: Sql, query: str) -> list[Row]:
    found: list[Row] = orjson.loads(ask(f"select coalesce(json_agg(t), '[]') from ({query}) as t;"))
    return found


def attempts(count: int, seed: int = 1) -> list[Row]:
    dice = random.Random(seed)
    return [
        rows.usage(
            {
                "id": str(UUID(int=number)),
                "model_code": dice.choice(["op1", "op2"]),
                "task": dice.choice(["ocr", "vision"]),
                "key_name": dice.choice(["n8n", "it's", None]),
                "success": dice.random() > 0.2,
                "latency_ms": dice.choice([None, 0, int(dice.lognormvariate(6, 2)) + 1]),
                "tokens_in": dice.choice([None, 7]),
                "tokens_out": dice.choice([None, 11]),
                "cost_usd": dice.choice([None, 0.25]),
                "created_at": f"2026-01-02T0{dice.randrange(3)}:{dice.randrange(60):02}:59.999Z",
            }
        )
        for number in range(1, count + 1)
    ]


def insertion(batch: Sequence[Row]) -> str:
    given = orjson.dumps(list(batch)).decode().replace("'", "''")
    return (
        "insert into model_usage_log select * from"
        f" json_populate_recordset(null::model_usage_log, '{given}') on conflict (id) do nothing;"
    )


def hourly(ask: Sql) -> list[Row]:
    return by_labels(
        rows_of(
            ask,
            """select to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as hour, model_code, task,
                 key_name, calls, errors, tokens_in, tokens_out, cost_usd::float8, latency from usage_hourly""",
        )
    )


def by_labels(found: list[Row]) -> list[Row]:
    return sorted(found, key=lambda row: [row[name] for name in rollup.LABELS])


def columns(ask: Sql) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows_of(
        ask, "select table_name, column_name from information_schema.columns where table_schema = 'public'"
    ):
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    return found


def test_the_tables_have_exactly_the_columns_that_we_write(ask: Sql) -> None:
    ask(migrations.all_sql())
    assert columns(ask) == {**{table: set(named) for table, named in TABLES.items()}, "usage_hourly": set(HOURLY)}


def test_pasting_it_again_changes_nothing(ask: Sql) -> None:
    ask(migrations.all_sql() + MODELS + insertion(attempts(50)))
    before = (columns(ask), hourly(ask))
    ask(migrations.all_sql())
    assert (columns(ask), hourly(ask)) == before


def test_pasting_it_as_one_transaction_works_too(ask: Sql) -> None:
    ask(f"begin; {migrations.all_sql()} commit;")
    assert "usage_hourly" in columns(ask)


def test_todays_tables_stay_as_they_are_and_their_history_is_counted_once(ask: Sql) -> None:
    today = list(TABLES["model_usage_log"])[:13]
    history = [{name: row[name] for name in today} for row in attempts(120)]
    ask(sql(1) + MODELS + insertion(history))
    ask(migrations.all_sql() + migrations.all_sql())
    counted = rollup.hourly(rows.usage(row) for row in history)
    assert hourly(ask) == by_labels(counted)


def test_the_trigger_counts_as_python_does_and_each_row_once(ask: Sql) -> None:
    batch = attempts(300)
    ask(migrations.all_sql() + MODELS + insertion(batch[:200]) + insertion(batch[150:]) + insertion(batch))
    assert hourly(ask) == by_labels(rollup.hourly(batch))


def test_every_latency_falls_into_the_same_bucket_as_in_python(ask: Sql) -> None:
    latencies = [0, 1, 2, *range(3, 2000), *range(2000, 4_000_000, 9973), 2**31 - 1]
    found = ask(f"{sql(1)}{sql(2)}{sql(3)} select oneai_latency_bucket(ms) from unnest(array{latencies}) as ms;")
    assert [int(line) for line in found.split()] == [rollup.bucket(ms) for ms in latencies]


def test_a_refused_batch_is_not_counted(ask: Sql) -> None:
    ask(migrations.all_sql() + MODELS)
    batch = attempts(10)
    with pytest.raises(RuntimeError, match="violates foreign key"):
        ask(insertion([*batch, batch[0] | {"id": str(UUID(int=99)), "model_code": "op9"}]))
    assert hourly(ask) == []


def test_pruning_says_how_many_went_and_keeps_their_totals(ask: Sql) -> None:
    ask(migrations.all_sql() + MODELS + insertion(attempts(100)))
    before = hourly(ask)
    old = sum(row["created_at"] < "2026-01-02T01" for row in attempts(100))
    assert ask("select oneai_prune('2026-01-02T01:00:00Z'); select count(*) from model_usage_log;").split() == [
        str(old),
        str(100 - old),
    ]
    assert hourly(ask) == before


def test_only_the_service_role_gets_in(ask: Sql) -> None:
    ask(
        "do $$ begin create role anon; create role service_role bypassrls; exception when duplicate_object then end $$;"
        "alter default privileges in schema public grant all on tables to anon;"
        "alter default privileges in schema public grant execute on functions to anon;"
    )
    ask(migrations.all_sql() + MODELS + insertion(attempts(5)))
    tables = " union all ".join(f"select count(*) from {table}" for table in [*TABLES, "usage_hourly"])
    assert ask(f"set role anon; {tables};").split() == ["0"] * 5
    with pytest.raises(RuntimeError, match="permission denied for function oneai_prune"):
        ask("set role anon; select oneai_prune(now());")
    ask("set role service_role;" + insertion(attempts(9)))
    assert sum(row["calls"] for row in hourly(ask)) == 9
    assert ask("set role service_role; select oneai_prune(now());") == "9"


def test_a_name_belongs_to_one_live_key(ask: Sql) -> None:
    ask(migrations.all_sql() + "insert into api_keys (key_hash, name, revoked_at) values ('a', 'n8n', now());")
    ask("insert into api_keys (key_hash, name) values ('b', 'n8n');")
    with pytest.raises(RuntimeError, match="api_keys_live_name"):
        ask("insert into api_keys (key_hash, name) values ('c', 'n8n');")
