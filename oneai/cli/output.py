"""What a command shows: one JSON document with --json, else what it draws; and its words to people."""

import shutil
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PIPED_COLUMNS = 160
"""What is not a terminal gets tables of this width, so that a row stays one line for grep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Results go to stdout; warnings, and with --json all words, to stderr."""

    json: bool = False

    def give(self, document: Any, draw: Callable[["Console"], None]) -> None:
        """The command's result, once: the document with --json, else what `draw` prints."""
        if not self.json:
            draw(console(sys.stdout))
            return
        import orjson

        print(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())

    def draw(self, draw: Callable[["Console"], None]) -> None:
        """More of the result for people alone, below what was given."""
        if not self.json:
            draw(console(sys.stdout))

    def say(self, text: str) -> None:
        """A line of the result for people alone: what was done, and what to do next."""
        # Flushed, so that whoever pipes a command on that goes on (`oneai demo | tee`) sees it now.
        print(plain(text), file=sys.stderr if self.json else sys.stdout, flush=True)

    def aside(self, text: str) -> None:
        """A line for people beside a result that is piped on: always to stderr."""
        print(plain(text), file=sys.stderr)

    def warn(self, text: str) -> None:
        print(f"warning: {plain(text)}", file=sys.stderr)


def console(stream: TextIO) -> "Console":
    """A rich console that takes texts as they are: no markup, no emoji codes, no guessed colours."""
    from rich.console import Console

    width = shutil.get_terminal_size((PIPED_COLUMNS, 24)).columns
    return Console(file=stream, width=max(width, 40), markup=False, emoji=False, highlight=False)


def plain(text: str) -> str:
    """The text without control characters: what a model server said must not move a terminal's cursor."""
    return "".join(char if char in "\n\t" or unicodedata.category(char)[0] != "C" else "?" for char in text)
