"""A spinner on stderr that counts the seconds of a call, where that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from oneai.cli.output import console


@contextmanager
def spinner(url: str) -> Iterator[None]:
    """Turns for as long as the block runs, and leaves nothing behind."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as progress:
        progress.add_task(f"Waiting for {url}", total=None)
        yield
