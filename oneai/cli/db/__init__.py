"""`oneai db`: the store's schema. One file a command, and one line here."""

import typer

from oneai.cli.db import check, migrate, sql
from oneai.cli.frame import grouped

COMMANDS = (
    ("check", check.check),
    ("migrate", migrate.migrate),
    ("sql", sql.sql),
)


def group() -> typer.Typer:
    """The group's own app."""
    return grouped(COMMANDS)
