"""`oneai serve`: the gateway itself, until it is told to stop."""

import errno
import os
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneai.cli.frame import Json
from oneai.cli.output import Output
from oneai.errors import BadSetting

if TYPE_CHECKING:
    from oneai.config import Settings

_WRONG_ADDRESS = (errno.EACCES, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Listen here instead of on HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="And on this port instead of PORT.")] = None,
    env_file: Annotated[Path | None, typer.Option(help="Read settings from this file, as `oneai --env-file`.")] = None,
    json: Json = False,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C. SIGHUP has it read its store anew."""
    from oneai import config, logs

    settings = config.load(env_file or context.find_root().params.get("env_file"))
    given = {"host": host, "port": port}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    logs.configure(settings.log_level)
    started = time.monotonic()
    _serve(settings)
    document = {"stopped": True, "uptime_seconds": round(time.monotonic() - started)}
    Output(json=json).give(document, lambda _console: None)


def _serve(settings: "Settings") -> None:
    """Raises what `server.serve` does, and BadSetting for an address that is none of this machine."""
    from oneai.gateway import server

    try:
        _runner()(server.serve(settings))
    except OSError as exc:
        unknown = isinstance(exc, socket.gaierror)
        if not unknown and exc.errno not in _WRONG_ADDRESS:
            raise
        accepted = "an address of this machine, and a port that this user may listen on (from 1024)"
        found = f"{settings.host}:{settings.port} ({exc.strerror if unknown else os.strerror(exc.errno or 0)})"
        raise BadSetting(name="HOST, PORT", found=found, accepted=accepted) from exc


def _runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    """uvloop's, where it is installed: it is not on every platform."""
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run as plain

        return plain
    return run
