"""The doctor on the running gateway: does it answer, is it ours, does it let us look, and does it know what we know."""

from collections.abc import Iterator

from oneai.cli.doctor.facts import Facts
from oneai.cli.doctor.remark import Remark, counted, ok, problem, warning


def running(facts: Facts) -> Iterator[Remark]:
    """Answers, of our version, and to our key."""
    found = facts.running
    if found.away:
        yield problem("gateway", found.away, "oneai serve   # or: docker logs oneai-gateway --tail 100")
        return
    version = found.health.get("version")
    if version != facts.version:
        what = f"the gateway at {found.url} is of version {version}, this command line of {facts.version}"
        yield warning("gateway", what, "restart the gateway with the newer one, or ask from inside its container")
    else:
        yield ok("gateway", f"{found.url} answers, version {version}")
    for trouble in found.health.get("troubles") or ():
        yield warning("gateway", f"it says: {trouble}", "docker logs oneai-gateway --tail 100   # or its own log")
    if found.state is None:
        what = (
            f"it refuses our key for /admin ({found.refused}): changes take up to 5 s, and models' states stay unknown"
        )
        yield problem("gateway", what, "set ONEAI_API_KEY to one of ADMIN_API_KEYS, or read $ONEAI_HOME/local.key")


def registry(facts: Facts) -> Iterator[Remark]:
    """Whether it serves what the store holds: a model that is not in /models."""
    state, known = facts.running.state, facts.running.models
    if state is None or known is None:
        return
    said = state.get("registry")
    doubt = said.get("doubt") if isinstance(said, dict) else None
    if doubt:
        yield problem(
            "gateway", f"it does not believe its last reading of the store: {doubt}", _force(facts.running.url)
        )
    elif not facts.store.away:
        yield from _difference(facts, set(known))


def _difference(facts: Facts, known: set[str]) -> Iterator[Remark]:
    ours = set(facts.registry.models)
    if missing := sorted(ours - known):
        what = f"it does not know {', '.join(missing)}, which the store has: is it on another store?"
        yield problem("gateway", what, f"oneai models enable {missing[0]}   # has it read the store anew")
    if surplus := sorted(known - ours):
        what = f"it knows {', '.join(surplus)}, which the store does not have: is it on another store?"
        yield problem("gateway", what, "compare SUPABASE_URL and ONEAI_HOME here and there: oneai db check")
    if ours and ours == known:
        yield ok("gateway", f"it serves what the store holds: {counted(len(ours), 'model')}")


def _force(url: str) -> str:
    body = "'{\"force\": true}'"
    return f'curl -X POST {url}/admin/reload -H "X-API-Key: $ONEAI_API_KEY" -d {body}   # if they are meant to be gone'
