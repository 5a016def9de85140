"""The command tree. To add a command or a group: one file beside this one, and one line in the list here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from oneai import __version__


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command's function, or the function that makes a group's Typer app, is; and its line in --help."""

    module: str
    name: str
    help: str

    def load(self) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(self.module), self.name)
        return found


GROUPS: Mapping[str, Place] = {
    "models": Place("oneai.cli.models", "group", "Register models, wire their chains, see how they are doing."),
    "keys": Place("oneai.cli.keys", "group", "Hand out API keys, look at them, and take them back."),
    "db": Place("oneai.cli.db", "group", "Look at the store's schema, and bring it up to date."),
}
"""`oneai NAME COMMAND`; see models/__init__.py."""

COMMANDS: Mapping[str, Place] = {
    "serve": Place("oneai.cli.serve", "serve", "Run the gateway until SIGTERM or Ctrl-C."),
    "run": Place("oneai.cli.run", "run_call", "Send a page or a text through the gateway."),
    "why": Place("oneai.cli.why", "why", "Why a call went as it did, and what mends it."),
    "usage": Place("oneai.cli.usage", "usage", "Attempts, failures, tokens, cost and latency."),
    "doctor": Place("oneai.cli.doctor", "doctor", "Look for everything that can be wrong, and say what mends it."),
    "demo": Place("oneai.cli.demo", "demo", "See it all work on this machine, in a minute."),
    "ocr-server": Place("oneai.cli.ocr_server", "ocr_server", "Read pages on this machine, with no GPU."),
}
"""`oneai NAME`."""


def build(args: Sequence[str]) -> typer.Typer:
    """The tree for this command line: only what it names is imported, so that --help is quick.

    Without any words all of it is: a shell that completes passes them in its environment.
    """
    app = typer.Typer(
        name="oneai",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name, place in COMMANDS.items():
        app.command(name, help=None if _is_named(name, args) else place.help)(
            place.load() if _is_named(name, args) else _unnamed
        )
    for name, place in GROUPS.items():
        app.add_typer(place.load()() if _is_named(name, args) else _empty(), name=name, help=place.help)
    return app


def _is_named(name: str, args: Sequence[str]) -> bool:
    return not args or name in args


def _unnamed() -> None:
    """Stands in the list of --help for a command that this command line doesn't name, and so can't run."""


def _empty() -> typer.Typer:
    group = typer.Typer()
    group.callback()(_unnamed)
    return group


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"oneai {__version__}")
        raise typer.Exit()


def _root(
    env_file: Annotated[
        Path | None, typer.Option(help="Read settings from this file; the environment wins over it. Else ./master.env.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The one door to the AI models that you run on your own machines: a gateway, and the commands that tend it.

    Exits 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused (key), 6 unreachable, 7 without effect.
    """
