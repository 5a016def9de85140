"""`oneai db sql`: the migrations, to be pasted into a project's SQL editor."""

from dataclasses import asdict

import typer

from oneai.cli.frame import DONE, Desk, Json, run
from oneai.store import migrations


def sql(context: typer.Context, json: Json = False) -> None:
    """Print the SQL that brings a Supabase project up to date. Each script is safe to run again."""
    run(context, json, _sql)


async def _sql(desk: Desk) -> int:
    document = {"scripts": [asdict(script) for script in migrations.scripts()], "sql": migrations.all_sql()}
    desk.out.give(document, lambda console: console.print(migrations.all_sql(), soft_wrap=True, end=""))
    return DONE
