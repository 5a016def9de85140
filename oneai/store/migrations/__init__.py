"""The numbered PostgreSQL scripts that bring a Supabase project up to date: forward only, each safe to run again."""

import re
from dataclasses import dataclass
from importlib.resources import files

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_RELOAD = "notify pgrst, 'reload schema';"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One migration: its number, its name and its SQL."""

    number: int
    name: str
    sql: str


def scripts() -> list[Script]:
    """Every script of this folder, lowest number first."""
    found = [
        Script(number=int(match[1]), name=match[2], sql=file.read_text(encoding="utf-8"))
        for file in files(__name__).iterdir()
        if (match := _FILE.fullmatch(file.name))
    ]
    return sorted(found, key=lambda script: script.number)


def all_sql() -> str:
    """What to paste into the SQL editor: every script in order, then the word to PostgREST to look again."""
    return "\n".join([*(script.sql for script in scripts()), _RELOAD, ""])
