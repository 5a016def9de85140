"""Opens the store for a command, and keeps a stranger from writing into a gateway's home."""

import os
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from oneai.cli.frame import Desk
from oneai.errors import ForeignHome
from oneai.store import Store, opened


@asynccontextmanager
async def reading(desk: Desk) -> AsyncIterator[Store]:
    """The store to look at. A SQLite file that is not there yet is read as empty, and not made."""
    url = desk.settings.store_url
    async with _opened(desk, "memory:" if _is_absent(url) else url) as store:
        yield store


@asynccontextmanager
async def writing(desk: Desk, *, dry_run: bool = False) -> AsyncIterator[Store]:
    """The store to change; to look at only, where it is a dry run. Raises ForeignHome for another user's SQLite."""
    if dry_run:
        async with reading(desk) as store:
            yield store
        return
    url = desk.settings.store_url
    if url.startswith("sqlite:"):
        refuse_foreign(desk.settings.home)
    async with _opened(desk, url) as store:
        yield store


@asynccontextmanager
async def _opened(desk: Desk, url: str) -> AsyncIterator[Store]:
    key = desk.settings.supabase_service_key
    async with opened(url, service_key=key.get_secret_value() if key else None) as store:
        yield store


def _is_absent(url: str) -> bool:
    return url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:")).exists()


def refuse_foreign(home: Path) -> None:
    """Raises ForeignHome where `home` is there and another user's: root's files in it would shut the gateway out."""
    try:
        owner = home.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError:
        owner = -1
    if owner != os.geteuid():
        command = shlex.join(["oneai", *sys.argv[1:]])
        raise ForeignHome(home=home, instead=f"`docker exec oneai-gateway {command}`")
