"""`oneai db`: the store's schema. One file a command, and one line here."""

import typer

from oneai.cli.db import check, migrate, sql

COMMANDS = (
    ("check", check.check),
    ("migrate", migrate.migrate),
    ("sql", sql.sql),
)


def group() -> typer.Typer:
    """The group's own app."""
    app = typer.Typer(help="Look at the store's schema, and bring it up to date.", no_args_is_help=True)
    for name, command in COMMANDS:
        app.command(name)(command)
    return app
