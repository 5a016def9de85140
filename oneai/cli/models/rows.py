"""Rows of `models` as the command line writes them: a whole new one, what differs between two, and the strict check."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from oneai.core import chain, codes, endpoint
from oneai.core.codes import Code
from oneai.core.registry import Registry, build
from oneai.errors import BadChain, BadField, BadRequest
from oneai.types import Domain, Model, Row

COLUMNS = (
    "model_code",
    "domain",
    "role",
    "provider",
    "endpoint",
    "timeout_ms",
    "max_tokens",
    "active",
    "fallback_model_code",
    "meta",
)
_NAMES = {"model_code": "code", "fallback_model_code": "fallback"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that differs; None is nothing there."""

    field: str
    old: Any
    new: Any


def blank(code: Code) -> Row:
    """A row of this code with the defaults of the table, but without provider and endpoint."""
    return {
        "model_code": str(code),
        "domain": code.domain.value,
        "role": code.role.value,
        "provider": "",
        "endpoint": "",
        "timeout_ms": 60_000,
        "max_tokens": 4096,
        "active": True,
        "fallback_model_code": None,
        "meta": {},
    }


def writable(row: Row) -> Row:
    """The columns that we may write, all of them."""
    return {name: row.get(name) for name in COLUMNS} | {"meta": row.get("meta") or {}}


def differences(old: Row | None, new: Row) -> list[Change]:
    """What changes, field by field, `meta` by its keys; of a new row everything that is set."""
    before, after = _flat(old or {}), _flat(new)
    every = [*after, *(name for name in before if name not in after)]
    pairs = ((name, before.get(name), after.get(name)) for name in every)
    return [Change(field=_NAMES.get(name, name), old=was, new=now) for name, was, now in pairs if was != now]


def _flat(row: Row) -> dict[str, Any]:
    columns = {name: row.get(name) for name in COLUMNS if name != "meta"}
    return columns | {f"meta.{name}": found for name, found in (row.get("meta") or {}).items()}


def completed(address: str, domain: Domain) -> str:
    """An endpoint whole: the address of a bare server gets the path of its domain, `http://gpu.example:8000/v1` too.

    Raises BadField for one with a secret in it.
    """
    if "@" in address.partition("://")[2].partition("/")[0]:
        # Rows are shown, exported and backed up. What was found is not repeated, for the same reason.
        bare = "one without a user or password: a secret is named by its variable, credential_env"
        raise BadField(field="endpoint", found="a user or password in the address", accepted=bare)
    bare = address.strip().rstrip("/")
    path = bare.partition("://")[2].partition("/")[2]
    if path not in ("", "v1"):
        return address.strip()
    from oneai.core.prepare import KINDS  # reads prompts: too heavy for --help

    server = Model(code="", domain=domain, role=None, index=0, provider="", endpoint=bare)
    return endpoint.url_for(server, KINDS[domain])


def check(rows: Iterable[Row], changed: Iterable[str]) -> Registry:
    """The registry that these rows, all of them, make. Raises BadCode, BadField or BadChain for one of `changed`.

    What the gateway reads leniently, with a warning, is refused here. Only what changes is judged: an old slip in
    another row is not this command's.
    """
    every, judged = list(rows), set(changed)
    registry = build(every, [])
    for row in every:
        if row["model_code"] in judged:
            _check_code(row)
    for warning in registry.warnings:
        if warning.model in judged and warning.field != "fallback_model_code":
            # The rest of the sentence is what a lenient reader makes of it.
            what = warning.what.rpartition(": ")[0] or warning.what
            raise BadRequest(what=f"{warning.model}: {warning.field}: {what}.", param=warning.field)
    return registry


def check_links(registry: Registry, changed: Iterable[str]) -> None:
    """Raises BadChain for the fallbacks of these models, all faults in one."""
    links = {code: registry.models[code].fallback for code in changed if code in registry.models}
    refuse_faults(chain.wiring_faults(registry, links))


def refuse_faults(faults: Iterable[str]) -> None:
    """Raises BadChain where there are any."""
    if what := "; ".join(faults):
        raise BadChain(what=f"{what}.")


def _check_code(row: Row) -> None:
    code = codes.parse(row["model_code"])
    for name, said in (("domain", code.domain), ("role", code.role)):
        if row.get(name) != said:
            accepted = f"{said}, as its code says (or another code)"
            raise BadField(field=f"{code}: {name}", found=repr(row.get(name)), accepted=accepted)
