"""The one question that a destructive command asks."""

import sys

import typer

from oneai.errors import Declined, NeedsYes


def confirm(question: str, *, yes: bool) -> None:
    """Returns when the answer is yes. Raises NeedsYes off a terminal, Declined for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise NeedsYes(what=question.rstrip("?"))
    if not typer.confirm(question, err=True):
        raise Declined()
