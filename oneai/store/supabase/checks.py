"""What of the schema a project has: each table, what was added to it, and whether the key may write."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import uuid4

from postgrest import CountMethod

from oneai.errors import StoreAway, StoreLacks
from oneai.store import Finding, rollup
from oneai.store.columns import TABLES
from oneai.store.supabase.link import Link

_PASTE = "`oneai db sql` prints what to paste into the SQL editor"
_KEY = "set SUPABASE_SERVICE_KEY to the service_role key of the project's API settings"
_LOG = "model_usage_log"
_HOURLY = (*rollup.LABELS, *rollup.SUMS, "latency")


async def findings(link: Link, role: str | None) -> list[Finding]:
    """One finding for each thing that the gateway looks for; StoreAway when the project does not answer."""
    todays, added = _split(_LOG)
    found = [
        await _needed(link, "models", TABLES["models"]),
        await _needed(link, "model_health", TABLES["model_health"]),
        await _needed(link, _LOG, todays),
    ]
    if all(finding.ok for finding in found):
        found.append(await _may_write(link, role))
    found.append(await _extra(link, "api_keys", TABLES["api_keys"], "keys come from API_KEYS and the local key only"))
    found.append(await _added(link, added))
    without = f"`oneai usage` reads every row of {_LOG} instead, which is slow"
    found.append(await _extra(link, "usage_hourly", _HOURLY, without))
    return found


def _split(table: str) -> tuple[list[str], list[str]]:
    """The columns that today's system has, which end in created_at, and those that were added."""
    names = list(TABLES[table])
    end = names.index("created_at") + 1
    return names[:end], names[end:]


async def _needed(link: Link, name: str, columns: Iterable[str]) -> Finding:
    found = await _extra(link, name, columns, "nothing works without it")
    return replace(found, fatal=True)


async def _extra(link: Link, name: str, columns: Iterable[str], without: str) -> Finding:
    label = f"table {name}"
    if lacking := await _lacks(link, name, columns):
        return Finding(name=label, ok=False, detail=f"{lacking}: {without}", remedy=_PASTE)
    return Finding(name=label, ok=True, detail="there, with every column")


async def _added(link: Link, columns: list[str]) -> Finding:
    name = f"{_LOG}, added columns"
    if not await _lacks(link, _LOG, columns):
        return Finding(name=name, ok=True, detail="all there")
    missing = [column for column in columns if await _lacks(link, _LOG, [column])]
    without = "what they would hold is left out, and `oneai why` knows only the gateway's journal"
    return Finding(name=name, ok=False, detail=f"no {', '.join(missing)}: {without}", remedy=_PASTE)


async def _lacks(link: Link, table: str, columns: Iterable[str]) -> str | None:
    try:
        await link.ask(link.table(table).select(",".join(columns)).limit(1))
    except StoreLacks as exc:
        return f"no {exc.facts['what']}"
    return None


async def _may_write(link: Link, role: str | None) -> Finding:
    """A change of a model that cannot be there: it changes nothing, but a key that may not write is refused."""
    who = f"role {role}" if role else "a secret key"
    nobody = link.table("models").update({"active": False}).eq("model_code", f"no such model {uuid4()}")
    try:
        await link.ask(nobody.select("model_code"))
    except StoreAway as exc:
        return Finding(name="service key", ok=False, detail=f"{who}: {exc.facts['why']}", remedy=_KEY, fatal=True)
    seen = await link.count(link.table("models").select("model_code", count=CountMethod.exact).limit(1))
    return Finding(name="service key", ok=True, detail=f"{who}, may write and sees {seen} models")
