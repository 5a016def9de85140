"""`oneai keys create`: a new key, shown once."""

import secrets
import time
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from oneai.cli import stores, times, writes
from oneai.cli.frame import DONE, Desk, DryRun, Json, run
from oneai.cli.keys import allow as allowed
from oneai.cli.keys import held, secret
from oneai.cli.keys.held import Held
from oneai.cli.models import inventory
from oneai.core import keys
from oneai.core.usage import timestamp
from oneai.errors import BadField

NAME_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    name: str
    allow: str | None
    admin: bool
    expires: str | None
    max_in_flight: int | None


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who it is for, such as n8n.")],
    allow: Annotated[
        str | None, typer.Option(metavar="op1,o,...", help="Models and domains that it may call; without it all.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="It may also call /admin and /metrics.")] = False,
    expires: Annotated[str | None, typer.Option(metavar="30d|2027-01-31", help="When it ends (UTC).")] = None,
    max_in_flight: Annotated[int | None, typer.Option(min=1, help="Its calls at one time.")] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make an API key. It is shown once: alone on stdout where that is piped on."""
    wish = _Wish(name=_checked(name), allow=allow, admin=admin, expires=expires, max_in_flight=max_in_flight)
    run(context, json, lambda desk: _create(desk, wish, dry_run=dry_run))


def _checked(name: str) -> str:
    """Raises BadField, which shows no name that is a key by mistake."""
    accepted = f"1 to {NAME_LENGTH} printable characters, no key itself, and not `local` or `env:...`"
    if name.startswith("oo-"):
        raise BadField(field="NAME", found="what looks like a key", accepted=accepted)
    bare = name.strip()
    if not bare or len(bare) > NAME_LENGTH or not bare.isprintable() or bare == "local" or bare.startswith("env:"):
        raise BadField(field="NAME", found=repr(name[:80]), accepted=accepted)
    return bare


async def _create(desk: Desk, wish: _Wish, *, dry_run: bool) -> int:
    now = time.time()
    expires_at = timestamp(times.until("--expires", wish.expires, now)) if wish.expires else None
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await held.to_change(desk, store)
        known.refuse_taken(wish.name)
        models = (await inventory.read(desk, store)).registry.models
        new = Held(
            name=wish.name,
            hash="",
            source="store",
            allow=_tuple(allowed.read("--allow", wish.allow, models)),
            admin=wish.admin,
            expires_at=expires_at,
            max_in_flight=wish.max_in_flight,
        )
        if dry_run:
            return _rehearsed(desk, new, now)
        made = keys.generate(secrets.token_bytes(32))
        new = replace(new, hash=keys.hash_of(made))
        await store.put_key(new.row())
        live = await writes.announce(desk)
    document = new.document(now) | {"dry_run": False, "live": live.live, "note": live.note}
    secret.give(desk, made, document, [f"Key {new.name} may call {new.reach}.", live.note])
    return DONE


def _tuple(entries: list[str] | None) -> tuple[str, ...] | None:
    return None if entries is None else tuple(entries)


def _rehearsed(desk: Desk, new: Held, now: float) -> int:
    until = f", until {times.shown(new.expires_at)}" if new.expires_at else ""
    admin = ", as an admin's" if new.admin else ""
    said = f"Key {new.name} would be made: it may call {new.reach}{admin}{until}. Nothing was written."
    document = new.document(now) | {"dry_run": True, "live": False, "note": "This was a dry run: nothing was written."}
    desk.out.give(document, lambda console: console.print(said))
    return DONE
