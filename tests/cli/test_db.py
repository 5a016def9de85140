"""The store's schema from the command line."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneai.cli.db import check, psql
from oneai.errors import BadSetting
from oneai.store import Finding, migrations
from tests.cli import living
from tests.cli.conftest import Cli

DB_URL = "postgresql://admin:p%40ss%2Fword@db.example:6543/post?sslmode=require"

PSQL = """#!{python}
import os, pathlib, sys
told = pathlib.Path({folder!r})
told.joinpath("argv").write_text(repr(sys.argv[1:]))
told.joinpath("env").write_text(repr(dict(os.environ)))
told.joinpath("sql").write_text(sys.stdin.read())
print("ERROR:  no such role p@ss/word", file=sys.stderr)
sys.exit({code})
"""


def put_psql(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> Path:
    """A psql on PATH that notes what it is given and ends so."""
    folder.mkdir()
    program = folder / "psql"
    program.write_text(PSQL.format(python=sys.executable, folder=str(folder), code=code))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def version(home: Path) -> int:
    db = sqlite3.connect(home / "oneai.db")
    try:
        return int(db.execute("pragma user_version").fetchone()[0])
    finally:
        db.close()


def set_version(home: Path, number: int) -> None:
    db = sqlite3.connect(home / "oneai.db")
    db.execute(f"pragma user_version = {number}")
    db.close()


def test_a_store_that_is_not_there_yet_is_not_made_by_looking(cli: Cli, home: Path) -> None:
    ended = cli("db", "check", "--json")
    assert ended.code == 7
    assert ended.json["ok"] is False
    assert not home.exists()


def test_a_whole_store_is_well(chain: Cli) -> None:
    ended = chain("db", "check", "--json")
    assert (ended.code, ended.json["ok"]) == (0, True)
    assert "✓" in chain("db", "check").out


def test_refused_rows_are_counted(chain: Cli, home: Path) -> None:
    (home / "journal").mkdir()
    (home / "journal" / "refused.jsonl").write_text('{"reason": "x"}\n{"reason": "y"}\n')
    ended = chain("db", "check")
    assert ended.code == 7
    assert "2 set aside" in ended.out


def test_a_missing_table_that_everything_needs_is_a_failure(chain: Cli, home: Path) -> None:
    db = sqlite3.connect(home / "oneai.db")
    db.execute("drop table model_usage_log")
    db.close()
    assert chain("db", "check").code == 1


def test_the_worst_finding_decides_the_exit_code() -> None:
    well = Finding(name="a", ok=True, detail="", fatal=True)
    lacking = Finding(name="b", ok=False, detail="")
    broken = Finding(name="c", ok=False, detail="", fatal=True)
    assert [check.exit_code(found) for found in ([well], [well, lacking], [lacking, broken])] == [0, 7, 1]


@pytest.fixture
def unmigrated(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with living.opened(living.project(migrated=False)) as project:
        living.pointed(monkeypatch, SUPABASE_URL=project.url, SUPABASE_SERVICE_KEY=project.key)
        yield cli


def test_todays_project_works_and_lacks_something(unmigrated: Cli) -> None:
    ended = unmigrated("db", "check")
    assert ended.code == 7
    assert "oneai db sql" in ended.out


def test_a_project_without_a_database_address_says_what_to_paste(unmigrated: Cli) -> None:
    ended = unmigrated("db", "migrate")
    assert (ended.code, ended.out) == (1, "")
    assert "oneai db sql" in ended.err


def test_a_store_that_is_away_is_said_so(cli: Cli, refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with living.opened(living.project(migrated=True)) as project:
        living.pointed(monkeypatch, SUPABASE_URL=refusing, SUPABASE_SERVICE_KEY=project.key)
    assert cli("db", "check").code == 6


def test_migrating_makes_the_file_and_again_changes_nothing(cli: Cli) -> None:
    first, second = (cli("db", "migrate", "--json").json["stores"] for _ in range(2))
    assert (first[0]["old"], first[0]["applied"]) == (0, True)
    assert (second[0]["old"], second[0]["new"], second[0]["applied"]) == (first[0]["new"], first[0]["new"], False)


def test_a_rehearsed_migration_leaves_the_file_as_it_is(chain: Cli, home: Path) -> None:
    set_version(home, 0)
    document = chain("db", "migrate", "--dry-run", "--json").json["stores"][0]
    assert (document["old"], document["applied"], version(home)) == (0, False, 0)


def test_a_newer_file_is_refused(chain: Cli, home: Path) -> None:
    set_version(home, 99)
    ended = chain("db", "migrate")
    assert ended.code == 1
    assert "newer" in ended.err


def test_the_sql_is_printed_as_it_is(cli: Cli) -> None:
    assert cli("db", "sql", width=40).out == migrations.all_sql()
    scripts = cli("db", "sql", "--json").json["scripts"]
    assert [script["number"] for script in scripts] == [script.number for script in migrations.scripts()]


def test_psql_gets_the_sql_on_stdin_and_the_password_in_no_argument(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = put_psql(tmp_path / "bin", monkeypatch, code=0)
    living.pointed(monkeypatch, SUPABASE_DB_URL=DB_URL)
    assert cli("db", "migrate").code == 0
    assert (told / "sql").read_text() == migrations.all_sql()
    environment = (told / "env").read_text()
    assert "'PGPASSWORD': 'p@ss/word'" in environment
    assert "'PGSSLMODE': 'require'" in environment
    assert "SUPABASE_DB_URL" not in environment
    assert not any(part in (told / "argv").read_text() for part in ("p@ss", "p%40ss", "db.example"))


def test_a_psql_that_fails_has_applied_nothing_and_tells_no_password(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_psql(tmp_path / "bin", monkeypatch, code=3)
    living.pointed(monkeypatch, SUPABASE_DB_URL=DB_URL)
    ended = cli("db", "migrate")
    assert ended.code == 1
    assert "psql ended with 3" in ended.err
    assert "p@ss/word" not in ended.err


def test_a_rehearsal_does_not_run_psql(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = put_psql(tmp_path / "bin", monkeypatch, code=0)
    living.pointed(monkeypatch, SUPABASE_DB_URL=DB_URL)
    assert cli("db", "migrate", "--dry-run", "--json").json["stores"][1]["applied"] is False
    assert os.listdir(told) == ["psql"]


def test_without_psql_it_says_so(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    living.pointed(monkeypatch, SUPABASE_DB_URL=DB_URL, PATH=tmp_path)
    ended = cli("db", "migrate")
    assert ended.code == 1
    assert "oneai db sql" in ended.err


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://h/x", "postgresql:///x", "postgresql://h:port/x", "postgresql://["]
)
def test_a_wrong_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadSetting, match="SUPABASE_DB_URL") as caught:
        psql.address(url)
    assert url not in str(caught.value)
