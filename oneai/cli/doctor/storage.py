"""The doctor on what is at rest: the store and its schema, and the journal's rows that are not in it yet."""

from collections.abc import Iterator

from oneai.cli.doctor.facts import Facts
from oneai.cli.doctor.remark import Remark, counted, ok, problem, warning

_MANY_WAITING = 1000


def store(facts: Facts) -> Iterator[Remark]:
    """Whether it answers, and has what is needed."""
    found = facts.store
    if found.away:
        serves = (
            "the gateway serves from its snapshot" if found.has_snapshot else "and there is no snapshot to serve from"
        )
        yield problem("store", f"{found.away} Until then {serves}.", "oneai db check")
        return
    bad = [finding for finding in found.findings if not finding.ok]
    if not bad:
        yield ok("store", f"{found.name} answers, its schema is whole")
    for finding in bad:
        say = problem if finding.fatal else warning
        yield say("store", f"{finding.name}: {finding.detail}", finding.remedy or "oneai db check")


def journal(facts: Facts) -> Iterator[Remark]:
    """What the running gateway says of its rows; of refused ones the file, where none runs."""
    said = facts.running.health.get("journal")
    if not isinstance(said, dict):
        yield from _refused(facts, facts.home.refused_rows)
        return
    found = [*_waiting(said), *_refused(facts, _number(said.get("refused")))]
    yield from found or [
        ok("journal", f"{counted(_number(said.get('rows')), 'usage row')} on the way to the store, none lost")
    ]


def _waiting(said: dict[str, object]) -> Iterator[Remark]:
    rows, dropped, unreadable = (_number(said.get(name)) for name in ("rows", "dropped", "unreadable"))
    if said.get("degraded"):
        what = "the disk takes no usage rows: they wait in memory"
        yield problem("journal", what, "free some space beside ONEAI_HOME; what waits is then written by itself")
    if dropped:
        what = f"{counted(dropped, 'usage row')} given up for want of room"
        yield problem("journal", what, "raise ONEAI_JOURNAL_MAX_MB, and see to the store: oneai db check")
    if rows > _MANY_WAITING:
        yield warning("journal", f"{counted(rows, 'usage row')} waiting for the store", "oneai db check")
    if unreadable:
        what = f"{counted(unreadable, 'line')} of the journal could not be read: skipped"
        yield warning("journal", what, "check the disk under ONEAI_HOME: dmesg, smartctl")


def _refused(facts: Facts, count: int) -> Iterator[Remark]:
    if count:
        path = facts.home.path / "journal" / "refused.jsonl"
        what = f"{counted(count, 'usage row')} refused by the store, set aside in {path}"
        yield warning("journal", what, f"tail -n 1 {path}   # `reason` says why; delete the file when it is seen to")


def _number(found: object) -> int:
    return found if isinstance(found, int) else 0
