"""`oneai demo`: the main job on this machine alone: a dead model, the embedded one behind it, and who did what."""

import shlex
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from oneai.cli.demo.children import Children
from oneai.cli.demo.script import Demo
from oneai.cli.demo.signals import Signals
from oneai.cli.frame import Json
from oneai.cli.output import Output


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when all is shown, instead of at Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Start a gateway and an OCR model on free local ports, send a page through a broken chain, and show what happened.

    All of it lives in a temporary folder and on 127.0.0.1, and is gone at the end.
    """
    from oneai import config

    config.load(context.find_root().params.get("env_file"))
    out = Output(json=json)
    with (
        Signals() as signals,
        tempfile.TemporaryDirectory(prefix="oneai-demo-") as folder,
        Children(Path(folder), signals) as children,
    ):
        told = Demo(children, out).tell()
        out.give(told, lambda _console: None)
        if not once and not json:
            _wait(out, children)
    out.say("Everything is stopped, and the temporary folder is gone.")


def _wait(out: Output, children: Children) -> None:
    """Keep it all up for trying things, until Ctrl-C or SIGTERM."""
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in children.settings.items())
    try:
        out.say(f"\nIt goes on until Ctrl-C. To try things from another terminal:\n  export {settings}")
        signal.pause()
    except KeyboardInterrupt:
        out.say("")
