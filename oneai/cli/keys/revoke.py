"""`oneai keys revoke`: end a key, at once and for good."""

import time
from dataclasses import replace
from typing import Annotated

import typer

from oneai.cli import ask, stores, times, writes
from oneai.cli.frame import DONE, Desk, DryRun, Json, Yes, run
from oneai.cli.keys import held
from oneai.cli.writes import Live
from oneai.core.usage import timestamp

_DRY = Live(live=False, note="This was a dry run: nothing was written.")


def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The key's name, or the beginning of its hash.")],
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """End a key for good. One of API_KEYS is refused from then on, though it stays listed there."""
    run(context, json, lambda desk: _revoke(desk, name, yes=yes, dry_run=dry_run))


async def _revoke(desk: Desk, name: str, *, yes: bool, dry_run: bool) -> int:
    now = time.time()
    async with stores.writing(desk, dry_run=dry_run) as store:
        key = (await held.to_change(desk, store)).find(name)
        held.refuse_local(desk, key)
        changed = key.revoked_at is None
        if changed and not dry_run:
            ask.confirm(f"Revoke {key.name}, so that whoever uses it is refused?", yes=yes)
            await store.put_key(replace(key, revoked_at=timestamp(now)).row())
        live = _DRY if dry_run else await writes.announce(desk)
    new = replace(key, revoked_at=key.revoked_at or timestamp(now))
    document = new.document(now) | {"changed": changed, "dry_run": dry_run, "live": live.live, "note": live.note}
    did = f"Key {key.name} {'would be' if dry_run else 'is'} revoked."
    same = f"Key {key.name} is revoked already, since {times.shown(key.revoked_at)}: nothing changes."
    desk.out.give(document, lambda console: console.print(did if changed else same))
    desk.out.say(live.note)
    return DONE
