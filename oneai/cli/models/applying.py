"""The end of every command that changes models: write, have the gateway take it up, and say all of that in one way."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from oneai.cli import writes
from oneai.cli.frame import DONE, WITHOUT_EFFECT, Desk
from oneai.cli.models.rows import Change
from oneai.cli.writes import Live

_DRY = Live(live=False, note="This was a dry run: nothing was written.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of one model: `changes` is empty where it was so already."""

    code: str
    changes: Sequence[Change]
    did: str = ""
    """What it was made, where that is not what the others were."""

    @property
    def changed(self) -> bool:
        return bool(self.changes)


async def apply(
    desk: Desk,
    applied: Sequence[Applied],
    write: Callable[[], Awaitable[object]],
    *,
    dry_run: bool,
    force: bool = False,
) -> Live:
    """Write, where anything changes and it is no dry run; the gateway is asked even when nothing does.

    So that the same command again, after the gateway was away, makes the change live.
    """
    if dry_run:
        return _DRY
    if any(one.changed for one in applied):
        await write()
    return await writes.announce(desk, force=force)


def tell(
    desk: Desk,
    applied: Sequence[Applied],
    live: Live,
    *,
    did: str,
    same: str,
    dry_run: bool,
    more: Mapping[str, Any] | None = None,
    hints: Sequence[str] = (),
) -> None:
    """The result: `did` and `same` are what a model was made, and what it was already, as in `enabled`."""
    document = {
        "models": [{"code": one.code, "changed": one.changed, "changes": _listed(one.changes)} for one in applied],
        "changed": any(one.changed for one in applied),
        "dry_run": dry_run,
        "live": live.live,
        "note": live.note,
    }
    desk.out.give(document | (dict(more) if more else {}), lambda console: _draw(console, applied, did, same, dry_run))
    for line in (live.note, *hints):
        desk.out.say(line)


def mute(desk: Desk, applied: Sequence[Applied]) -> int:
    """Warns of each change that an environment variable hides; WITHOUT_EFFECT where there is one, else DONE."""
    code = DONE
    for one in applied:
        overrides = desk.settings.overrides.get(one.code, {})
        for change in one.changes:
            if change.field in overrides and overrides[change.field] != change.new:
                variable = f"MODEL_{one.code.upper()}_{change.field.removesuffix('_ms').upper()}"
                desk.out.warn(
                    f"{variable} overrides {change.field} of {one.code}: the change has no effect until it goes"
                )
                code = WITHOUT_EFFECT
    return code


def _listed(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [asdict(change) for change in changes]


def _draw(console: Any, applied: Sequence[Applied], did: str, same: str, dry_run: bool) -> None:
    from oneai.cli.models import drawn

    for one in applied:
        if not one.changed:
            console.print(f"{one.code} is {same} already: nothing changes.")
            continue
        console.print(f"{one.code} would be {one.did or did}:" if dry_run else f"{one.code} is {one.did or did}.")
        drawn.changes(console, one.changes)
