"""Which keys may call a model, and what a grant or a withdrawal makes of a key's row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oneai.cli.frame import Desk
from oneai.core import codes, keys
from oneai.core.registry import Registry, build
from oneai.errors import Conflict, StoreLacks
from oneai.store import Store, local_key
from oneai.types import Key, Model, Row

WRITABLE = ("key_hash", "name", "allow", "admin", "expires_at", "max_in_flight", "revoked_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Every live key by name, and whether it may call the model; `lacks` says why stored ones are missing."""

    names: Mapping[str, bool]
    rows: Mapping[str, Row]
    """The stored ones' rows, by name."""
    lacks: str = ""


async def read(desk: Desk, store: Store, model: Model) -> Callers:
    """The keys of the store, of the environment and the local one, revoked ones left out."""
    try:
        stored, lacks = await store.keys(), ""
    except StoreLacks as exc:
        stored, lacks = [], exc.message
    registry = build([], stored, {}, _environment(desk))
    names: dict[str, bool] = {}
    for key in registry.keys.values():
        if not key.revoked:  # of two that share a name, one that may is enough to show it
            names[key.name] = names.get(key.name, False) or keys.may(key, model)
    return Callers(
        names=names,
        rows={_name(registry, row): row for row in stored if not row.get("revoked_at")},
        lacks=lacks,
    )


def granted(row: Row, model: Model) -> Row:
    """The key's row, so that it may call the model; the same where it may already."""
    allow = row.get("allow")
    if allow is None or model.code in allow or codes.letter(model.domain) in allow:
        return _writable(row)
    return _writable(row) | {"allow": [*allow, model.code]}


def withdrawn(row: Row, model: Model, others: Iterable[Model], *, restrict: bool) -> Row:
    """The key's row, so that it may not call the model; the same where it may not already.

    Raises Conflict for a key that may call all, or all of the model's domain, unless it is to be restricted to those
    that are there today: it would lose models that come later.
    """
    allow, letter = row.get("allow"), codes.letter(model.domain)
    if allow is not None and letter not in allow:
        return _writable(row) | {"allow": [entry for entry in allow if entry != model.code]}
    if not restrict:
        reach = "every model" if allow is None else f"every model of domain {model.domain}"
        what = f"Key {row['name']} may call {reach}, later ones too. --restrict makes a list of today's others of it."
        raise Conflict(what=what)
    rest = [other.code for other in others if other.code != model.code]
    if allow is None:
        return _writable(row) | {"allow": rest}
    inside = [other.code for other in others if other.domain is model.domain and other.code != model.code]
    kept = [entry for entry in allow if entry not in (letter, model.code)]
    return _writable(row) | {"allow": list(dict.fromkeys([*kept, *inside]))}


def _environment(desk: Desk) -> list[Key]:
    settings = desk.settings
    plain = [entry.get_secret_value() for entry in settings.api_keys]
    admin = [entry.get_secret_value() for entry in settings.admin_api_keys]
    if local := local_key.read(settings.home):
        admin.append(f"local={local}")
    return [*keys.from_environment(plain, False), *keys.from_environment(admin, True)]


def _name(registry: Registry, row: Row) -> str:
    key = registry.keys.get(str(row.get("key_hash")).strip().lower())
    return key.name if key else str(row.get("name"))


def _writable(row: Row) -> Row:
    return {name: row.get(name) for name in WRITABLE}
