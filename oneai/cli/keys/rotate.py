"""`oneai keys rotate`: a new secret under the same name; the old one ends at once, or after a while."""

import secrets
import time
from dataclasses import replace
from typing import Annotated

import typer

from oneai.cli import ask, stores, times, writes
from oneai.cli.frame import DONE, Desk, DryRun, Json, Yes, run
from oneai.cli.keys import held, secret
from oneai.cli.keys.held import Held
from oneai.core import keys
from oneai.core.usage import timestamp
from oneai.errors import Conflict, OneAIError
from oneai.store import Store


def rotate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The key's name.")],
    grace: Annotated[
        str | None, typer.Option(metavar="1h", help="How long the old one goes on; without it no more.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="30d|2027-01-31", help="When the new one ends; without it as the old one.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Give a key a new secret, shown once; what it may call stays. Asks where the old one ends at once."""
    run(context, json, lambda desk: _rotate(desk, name, grace, expires, yes=yes, dry_run=dry_run))


async def _rotate(desk: Desk, name: str, grace: str | None, expires: str | None, *, yes: bool, dry_run: bool) -> int:
    now = time.time()
    grace_s = times.span_s("--grace", grace) if grace else 0.0
    expires_at = timestamp(times.until("--expires", expires, now)) if expires else None
    async with stores.writing(desk, dry_run=dry_run) as store:
        old = (await held.to_change(desk, store)).find(name)
        _refuse(desk, old, now, lasts=expires_at is not None)
        ended = _ended(old, now, grace_s)
        new = replace(old, hash="", expires_at=expires_at or old.expires_at, created_at=None)
        if dry_run:
            return _rehearsed(desk, new, ended, now)
        goes_on = grace_s > 0 or old.standing(now) == "expired"
        ask.confirm(f"End the old secret of {old.name} at once, without --grace?", yes=yes or goes_on)
        made = keys.generate(secrets.token_bytes(32))
        new = replace(new, hash=keys.hash_of(made))
        await swap(store, old, ended, new)
        live = await writes.announce(desk)
    document = new.document(now) | {"old": ended.document(now), "dry_run": False, "live": live.live, "note": live.note}
    secret.give(desk, made, document, [_fate(ended, live.live), live.note])
    return DONE


def _refuse(desk: Desk, old: Held, now: float, *, lasts: bool) -> None:
    """Raises LocalKey and Conflict for a key that cannot be rotated."""
    held.refuse_local(desk, old)
    if old.source == "environment":
        what = "comes from API_KEYS or ADMIN_API_KEYS: change it there, or `oneai keys create NAME` makes one here"
        raise Conflict(what=f"Key {old.name} {what}.")
    if old.revoked_at:
        raise Conflict(what=f"Key {old.name} is revoked: `oneai keys create {old.name}` makes a new one.")
    if old.standing(now) == "expired" and not lasts:
        what = f"has expired, {times.shown(old.expires_at)}: say with --expires how long the new one lasts"
        raise Conflict(what=f"Key {old.name} {what}.")


def _ended(old: Held, now: float, grace_s: float) -> Held:
    """The old key as it is to be: revoked, or under another name until its grace is over."""
    if not grace_s:
        return replace(old, revoked_at=timestamp(now))
    ends = min(now + grace_s, times.read(old.expires_at) or now + grace_s)
    stamp = timestamp(ends)
    # Its hash makes the name one of its own, however often the key is rotated within the grace.
    return replace(old, name=f"{old.name} (until {times.shown(stamp)}, {old.hash[:4]})", expires_at=stamp)


async def swap(store: Store, old: Held, ended: Held, new: Held) -> None:
    """The old one gives up the name first, since no two live keys have one; it comes back where the new one fails."""
    await store.put_key(ended.row())
    try:
        await store.put_key(new.row())
    except OneAIError:
        await store.put_key(old.row())
        raise


def _fate(ended: Held, live: bool) -> str:
    if not ended.revoked_at:
        return f"The old one goes on until {times.shown(ended.expires_at)}."
    return "The old one is refused from now on." if live else "The old one ends with that."


def _rehearsed(desk: Desk, new: Held, ended: Held, now: float) -> int:
    fate = f"go on until {times.shown(ended.expires_at)}" if not ended.revoked_at else "end at once"
    said = f"Key {new.name} would get a new secret, and the old one {fate}. Nothing was written."
    note = {"dry_run": True, "live": False, "note": "This was a dry run: nothing was written."}
    desk.out.give(new.document(now) | {"old": ended.document(now)} | note, lambda console: console.print(said))
    return DONE
