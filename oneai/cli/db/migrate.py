"""`oneai db migrate`: bring the store's schema up to date."""

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from oneai.cli import stores
from oneai.cli.db import psql
from oneai.cli.frame import DONE, Desk, DryRun, Json, run
from oneai.errors import CannotMigrate, StoreAway
from oneai.store import migrations
from oneai.store.sqlite import schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """What became of one store's schema; for Postgres, whose scripts are safe to run again, `old` is not known."""

    store: str
    old: int | None
    new: int
    applied: bool

    def __str__(self) -> str:
        if self.old is None:
            ran = "were applied" if self.applied else "would be applied"
            return f"{self.store}: migrations 1 to {self.new} {ran}."
        if self.old == self.new:
            return f"{self.store} is at version {self.new} already: nothing changes."
        return f"{self.store} {'went' if self.applied else 'would go'} from version {self.old} to {self.new}."


def migrate(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Bring the store's schema up to date: a SQLite file, and the Postgres of SUPABASE_DB_URL."""
    run(context, json, lambda desk: _migrate(desk, dry_run=dry_run))


async def _migrate(desk: Desk, *, dry_run: bool) -> int:
    kind, _, path = desk.settings.store_url.partition(":")
    db_url = desk.settings.supabase_db_url
    if kind == "supabase" and db_url is None:
        raise CannotMigrate(why="a project's REST API takes no migrations, and SUPABASE_DB_URL is not set")
    climbs = [await _sqlite(desk, Path(path), dry_run=dry_run)] if kind == "sqlite" else []
    if db_url is not None:
        climbs.append(await _postgres(db_url.get_secret_value(), dry_run=dry_run))
    document = {"stores": [asdict(climb) for climb in climbs], "dry_run": dry_run}
    desk.out.give(document, lambda console: console.print("\n".join(map(str, climbs))))
    if db_url is not None and not dry_run:
        desk.out.say("`oneai db check` looks whether the project shows it all.")
    return DONE


async def _sqlite(desk: Desk, path: Path, *, dry_run: bool) -> Climb:
    """Opening it is what brings it up, or refuses one of a newer oneai; so a rehearsal does not open it."""
    stores.refuse_foreign(desk.settings.home)
    old, new = _version(path), len(schema.RUNGS)
    if old > new or (old < new and not dry_run):
        async with stores.writing(desk):
            pass
    return Climb(store=f"sqlite:{path}", old=old, new=new, applied=not dry_run and old != new)


def _version(path: Path) -> int:
    """Where a file stands, without a change to it; 0 where there is none. Raises StoreAway."""
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return schema.version(db)
    except sqlite3.Error as exc:
        raise StoreAway(store=f"sqlite:{path}", why=str(exc)) from exc


async def _postgres(url: str, *, dry_run: bool) -> Climb:
    host = psql.address(url)["PGHOST"]
    if not dry_run:
        await psql.run(migrations.all_sql(), url)
    newest = migrations.scripts()[-1].number
    return Climb(store=f"postgres on {host}", old=None, new=newest, applied=not dry_run)
