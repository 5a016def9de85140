"""One thing that the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What was found, in a sentence, and the command that mends it."""

    level: Level
    topic: str
    what: str
    mend: str = ""


def ok(topic: str, what: str) -> Remark:
    return Remark(level=Level.OK, topic=topic, what=what)


def warning(topic: str, what: str, mend: str) -> Remark:
    return Remark(level=Level.WARNING, topic=topic, what=what, mend=mend)


def problem(topic: str, what: str, mend: str) -> Remark:
    return Remark(level=Level.PROBLEM, topic=topic, what=what, mend=mend)


def counted(number: int, noun: str) -> str:
    """`1 model`, `2 models`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
