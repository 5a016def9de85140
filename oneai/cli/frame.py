"""What every command runs in: the options that many share, its settings, its output, and its exit code.

def greet(context: typer.Context, name: str, json: Json = False) -> None:
    \"\"\"The line that --help shows.\"\"\"
    run(context, json, lambda desk: _greet(desk, name))

async def _greet(desk: Desk, name: str) -> int: ...
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneai.cli.output import Output
from oneai.errors import BadSetting

if TYPE_CHECKING:
    from oneai.client import Gateway
    from oneai.config import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document; words for people go to stderr.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

Commands = Sequence[tuple[str, Callable[..., Any]]]

DONE, FAILED, USAGE, NOT_FOUND, CONFLICT, REFUSED, UNREACHABLE, WITHOUT_EFFECT = range(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a command works with; `stores.py` opens its store, `writes.py` makes its changes live."""

    settings: "Settings"
    out: Output

    def gateway(self) -> "Gateway":
        """The gateway of ONEAI_URL, to be entered: `async with desk.gateway() as gateway`."""
        from oneai.cli.key import own_key
        from oneai.client import Gateway

        return Gateway(self.settings.gateway_url, own_key(self.settings))


def grouped(commands: Commands) -> typer.Typer:
    """The app of a command group; its line in --help stands in app.py's list."""
    app = typer.Typer(no_args_is_help=True)
    for name, command in commands:
        app.command(name)(command)
    return app


def run(context: typer.Context, json: bool, command: Callable[[Desk], Coroutine[Any, Any, int | None]]) -> None:
    """Run a command to its end; what it returns is the exit code, None is 0."""
    from oneai import config, logs

    settings = config.load(context.find_root().params.get("env_file"))
    if os.path.exists(settings.home) and not os.path.isdir(settings.home):  # Path's own raise where one may not look
        raise BadSetting(name="ONEAI_HOME", found=f"{settings.home}, a file", accepted="a folder")
    if settings.log_level == "debug":
        logs.configure("debug")
    elif not logging.getLogger().handlers:
        # Else Python's last resort would print the bare names of our events between a command's lines.
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        code = asyncio.run(command(Desk(settings=settings, out=Output(json=json))))
    except BrokenPipeError:
        code = DONE  # the reader has seen enough; typer would make a failure of it
    if code:
        raise typer.Exit(code)
