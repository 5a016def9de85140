"""Chains: where a call starts, which models it may try in which order, and what may be wired."""

from collections.abc import Iterator, Mapping

from oneai.core import wiring
from oneai.core.registry import Registry
from oneai.core.wiring import crosses
from oneai.errors import InactiveModel, MissingField, NothingCanAnswer, OneAIError, UnknownModel, WrongDomain
from oneai.types import Domain, Model

__all__ = ["crosses", "plan", "resolve", "start", "wiring_faults"]

_TASKS = {domain.value: domain for domain in Domain}


def plan(registry: Registry, start: str) -> tuple[Model, ...]:
    """The active models from a code along its fallbacks, each once; empty where there are none.

    Remembered by the registry, which never changes: it is asked in every call's way.
    """
    if (planned := registry.plans.get(start)) is None:
        planned = registry.plans[start] = tuple(model for model in _walk(registry, start) if model.active)
    return planned


def resolve(registry: Registry, name: str) -> str | None:
    """The code that a name stands for: itself, an alias's, or a task word's default."""
    if name in registry.models:
        return name
    if name in registry.aliases:
        return registry.aliases[name]
    return registry.defaults.get(_TASKS[name]) if name in _TASKS else None


def start(registry: Registry, task: Domain | None, model: str | None) -> str:
    """The code where a call starts; an inactive one, where an active model is behind it.

    Raises UnknownModel, WrongDomain, InactiveModel, or NothingCanAnswer for a task without an active model.
    Without a task, the model's own domain is it; without either, MissingField.
    """
    if model is None:
        return _default(registry, task)
    code = resolve(registry, model)
    if code is None:
        raise _unresolved(model)
    domain = registry.models[code].domain
    if task is not None and not crosses(task, domain):
        raise WrongDomain(param="model", model=code, domain=domain, task=task)
    if not plan(registry, code):
        raise InactiveModel(param="model", model=code)
    return code


def wiring_faults(registry: Registry, links: Mapping[str, str | None]) -> list[str]:
    """What is wrong with setting these fallbacks (by code), all together; empty where nothing is."""
    domains = {code: model.domain for code, model in registry.models.items()}
    faults = [fault for code, fallback in links.items() if (fault := _fault(domains, code, fallback))]
    wired = {code: model.fallback for code, model in registry.models.items()} | dict(links)
    # A cycle that stands already, and that these links don't touch, is not theirs.
    touched = [loop for loop in wiring.loops(wired) if not links.keys().isdisjoint(loop)]
    return faults + [f"{loop[0]}: its chain would come back to itself: {wiring.drawn(loop)}" for loop in touched]


def _walk(registry: Registry, start: str) -> Iterator[Model]:
    seen: set[str] = set()
    code: str | None = start
    while code is not None and code not in seen and code in registry.models:
        seen.add(code)
        yield registry.models[code]
        code = registry.models[code].fallback


def _default(registry: Registry, task: Domain | None) -> str:
    if task is None:
        raise MissingField(field="task", accepted=f"one of {', '.join(_TASKS)}, or a model")
    if task not in registry.defaults:
        raise _nothing(task)
    return registry.defaults[task]


def _unresolved(model: str) -> OneAIError:
    return _nothing(_TASKS[model]) if model in _TASKS else UnknownModel(param="model", model=model[:80])


def _nothing(task: Domain) -> NothingCanAnswer:
    why = f"no active model does {task}; `oneai models add` registers one, `oneai models enable CODE` turns one on"
    return NothingCanAnswer(why=why, retry_after_s=5)


def _fault(domains: Mapping[str, Domain], code: str, fallback: str | None) -> str | None:
    if code not in domains:
        return f"{code}: is not registered"
    what = wiring.link_fault(domains, code, fallback) if fallback is not None else None
    return f"{code}: {what}" if what else None
