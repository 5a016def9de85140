"""`oneai keys`: the life of an API key. One file a command, and one line here."""

import typer

from oneai.cli.frame import grouped
from oneai.cli.keys import create, list_, revoke, rotate, show

COMMANDS = (
    ("create", create.create),
    ("list", list_.list_keys),
    ("show", show.show),
    ("revoke", revoke.revoke),
    ("rotate", rotate.rotate),
)


def group() -> typer.Typer:
    """The group's own app."""
    return grouped(COMMANDS)
