"""The one question that a destructive command asks."""

import signal
import sys

import typer

from oneai.errors import Declined, NeedsYes


def confirm(question: str, *, yes: bool) -> None:
    """Returns when the answer is yes. Raises NeedsYes off a terminal, Declined for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise NeedsYes(what=question.rstrip("?"))
    if not _answer(question):
        raise Declined()


def _answer(question: str) -> bool:
    # A loop's own handler keeps the first Ctrl-C for its next await, which a question that blocks never reaches.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        print(file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGINT, before)
