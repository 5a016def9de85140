"""The registry: an immutable snapshot of models and keys, built from rows, that answers every call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from oneai.core import codes, wiring
from oneai.core.cells import RowWarning, shown
from oneai.core.rows import is_plain, key_of, model_of
from oneai.types import Domain, Key, Model, Role, Row

_SERVING = (Role.PRIMARY, Role.BACKUP, Role.SMALL)
_TASKS = frozenset(domain.value for domain in Domain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What a call may be answered by, and who may call; every question to it is one look-up."""

    models: Mapping[str, Model]
    keys: Mapping[str, Key]
    """By SHA-256 in hex; revoked ones too."""
    aliases: Mapping[str, str]
    defaults: Mapping[Domain, str]
    """The code at which a task's chain starts; none where no active model serves it unasked."""
    warnings: tuple[RowWarning, ...] = ()
    plans: dict[str, tuple[Model, ...]] = field(default_factory=dict, compare=False, repr=False)
    """The chains that were asked for so far, by the code where they start: chain.py's to fill."""
    stored_keys: frozenset[str] = frozenset()
    """The hashes that came from rows, not from the environment alone."""


def build(
    models: Sequence[Row],
    keys: Sequence[Row],
    overrides: Mapping[str, Mapping[str, Any]] = {},
    environment_keys: Sequence[Key] = (),
) -> Registry:
    """The registry of these rows; never raises for what a row holds, but warns.

    `overrides` go by model code and field (endpoint, timeout_ms, fallback, max_tokens) and win over the row.
    """
    warnings: list[RowWarning] = []
    known = _models(models, overrides, warnings)
    _warn_of_overrides(known, overrides, warnings)
    _warn_of_links(known, warnings)
    aliases = _aliases(known, warnings)
    stored = _stored_keys(keys, warnings)
    return Registry(
        models=known,
        keys=_with_environment(stored, environment_keys),
        aliases=aliases,
        defaults=_defaults(known.values()),
        warnings=tuple(warnings),
        stored_keys=frozenset(stored),
    )


def _models(
    rows: Sequence[Row], overrides: Mapping[str, Mapping[str, Any]], warnings: list[RowWarning]
) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for row in rows:
        model = model_of(row, overrides, warnings)
        if model is None:
            continue
        if model.code in found:
            warnings.append(_warning(model.code, "model_code", "stands twice: the first row counts"))
            continue
        found[model.code] = model
    return found


def _warn_of_overrides(
    models: Mapping[str, Model], overrides: Mapping[str, Mapping[str, Any]], warnings: list[RowWarning]
) -> None:
    for code in overrides:
        if code not in models:
            what = "overrides a model that is not registered: it has no effect"
        elif not is_plain(code):
            what = "overrides a code that no variable can name: it has no effect"
        else:
            continue
        warnings.append(_warning(code, f"MODEL_{code.upper()}_*", what))


def _warn_of_links(models: Mapping[str, Model], warnings: list[RowWarning]) -> None:
    domains = {code: model.domain for code, model in models.items()}
    for code, model in models.items():
        if model.fallback and (what := wiring.link_fault(domains, code, model.fallback)):
            warnings.append(_warning(code, "fallback_model_code", what))
    for loop in wiring.loops({code: model.fallback for code, model in models.items()}):
        what = f"its chain comes back to itself: {wiring.drawn(loop)}"
        warnings.append(_warning(loop[0], "fallback_model_code", what))


def _aliases(models: Mapping[str, Model], warnings: list[RowWarning]) -> dict[str, str]:
    found: dict[str, str] = {}
    for code, model in models.items():
        for alias in model.aliases:
            if what := _alias_fault(alias, models, found):
                warnings.append(_warning(code, "meta.aliases", f"{shown(alias)} {what}: it is ignored"))
                continue
            found[alias] = code
    return found


def _alias_fault(alias: str, models: Mapping[str, Model], aliases: Mapping[str, str]) -> str | None:
    if alias in aliases:
        return f"is an alias of {aliases[alias]} already"
    if alias in models or codes.is_code(alias):
        return "is a model's code"
    if alias in _TASKS:
        return "is a task's word"
    return None


def _defaults(models: Iterable[Model]) -> dict[Domain, str]:
    serving = [model for model in models if model.active and model.role in _SERVING]
    return {model.domain: model.code for model in sorted(serving, key=_place, reverse=True)}


def _place(model: Model) -> tuple[int, bool, int, str]:
    """By role, then index; a strange code has none, and must not displace one that has."""
    role = _SERVING.index(model.role) if model.role else len(_SERVING)
    return role, model.index == 0, model.index, model.code


def _stored_keys(rows: Sequence[Row], warnings: list[RowWarning]) -> dict[str, Key]:
    found: dict[str, Key] = {}
    for position, row in enumerate(rows, start=1):
        key = key_of(row, position, warnings)
        if key is None:
            continue
        if key.hash in found:
            what = f"key {key.hash[:8]}… stands twice: a revoked row counts, else the first"
            warnings.append(_warning("", "api_keys.key_hash", what))
            key = key if key.revoked else found[key.hash]
        found[key.hash] = key
    return found


def _with_environment(stored: Mapping[str, Key], environment: Sequence[Key]) -> dict[str, Key]:
    """The environment wins over rows, but for a revoked row; a key listed for both is an admin's."""
    listed: dict[str, Key] = {}
    for key in environment:
        before = listed.get(key.hash)
        listed[key.hash] = replace(before, admin=before.admin or key.admin) if before else key
    revoked = {digest: stored[digest] for digest in listed if digest in stored and stored[digest].revoked}
    return {**stored, **listed, **revoked}


def _warning(model: str, field: str, what: str) -> RowWarning:
    return RowWarning(model=model, field=field, what=what)
