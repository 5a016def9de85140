"""`oneai models`: what is registered, how it is wired, and how it is doing. One file a command, and one line here."""

import typer

from oneai.cli.frame import grouped
from oneai.cli.models import (
    add,
    change,
    enable,
    export,
    fallback,
    grants,
    health,
    import_,
    list_,
    next_code,
    remove,
    show,
    trial,
)

COMMANDS = (
    ("add", add.add),
    ("list", list_.list_models),
    ("show", show.show),
    ("set", change.set_fields),
    ("remove", remove.remove),
    ("enable", enable.enable),
    ("disable", enable.disable),
    ("fallback", fallback.fallback),
    ("health", health.health),
    ("keys", grants.keys),
    ("test", trial.trial),
    ("next-code", next_code.next_code),
    ("export", export.export),
    ("import", import_.import_models),
)


def group() -> typer.Typer:
    """The group's own app."""
    return grouped(COMMANDS)
