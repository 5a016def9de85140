"""A progress bar on stderr, where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from oneai.cli.output import console


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Gives the function that says that one more is done; draws nothing for a single one or off a terminal."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(console=console(sys.stderr), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
