"""The doctor on chains: loops and wrong links, links to what is off, ends that need not be, and too little time."""

from collections.abc import Iterator

from oneai.cli.doctor.facts import Facts
from oneai.cli.doctor.remark import Remark, counted, ok, problem, warning
from oneai.core import chain
from oneai.core.deadline import DEFAULT_S
from oneai.core.registry import Registry
from oneai.types import Model, Role


def judged(facts: Facts) -> Iterator[Remark]:
    """All of it; one line for all chains where nothing is wrong."""
    registry = facts.registry
    found = [*_warned(registry), *_passed_over(registry), *_unwired(registry), *_long(registry)]
    yield from found
    wired = sum(1 for model in registry.models.values() if model.active and model.fallback)
    if not found and wired:
        yield ok("chains", f"{counted(wired, 'active model')} with a fallback, and no chain comes back to itself")


def _warned(registry: Registry) -> Iterator[Remark]:
    for warned in registry.warnings:
        if warned.field == "fallback_model_code":
            yield problem("chains", f"{warned.model}: {warned.what}", f"oneai models fallback --clear {warned.model}")


def _passed_over(registry: Registry) -> Iterator[Remark]:
    for model in registry.models.values():
        behind = registry.models.get(model.fallback or "")
        if model.active and behind and not behind.active:
            what = f"{model.code} falls back to {behind.code}, which is inactive: it is passed over"
            yield warning("chains", what, f"oneai models enable {behind.code}")


def _unwired(registry: Registry) -> Iterator[Remark]:
    """The chain of a task that ends while other models of its domain stand by, unreached."""
    for domain, start in registry.defaults.items():
        reached = chain.plan(registry, start)
        codes = {model.code for model in reached}
        idle = [model.code for model in registry.models.values() if _stands_by(model) and model.domain is domain]
        left = [code for code in idle if code not in codes]
        if left:
            last = reached[-1].code
            what = f"the chain of {domain} ends at {last}, and does not reach {', '.join(left)}"
            yield warning("chains", what, f"oneai models fallback {last} {' '.join(left)}")


def _stands_by(model: Model) -> bool:
    return model.active and model.role is not Role.VALIDATION


def _long(registry: Registry) -> Iterator[Remark]:
    """A chain whose models may take more, one after the other, than a call has."""
    for domain, start in registry.defaults.items():
        models = chain.plan(registry, start)
        total = sum(model.timeout_ms for model in models) / 1000
        if len(models) > 1 and total > DEFAULT_S:
            way = " → ".join(model.code for model in models)
            slowest = max(models[:-1], key=lambda model: model.timeout_ms)
            less = int(DEFAULT_S / len(models)) * 1000
            what = (
                f"{domain}: {way} may take {total:g} s together, and a call has {DEFAULT_S:g} s:"
                " when the first ones hang, they are cut short for the others' sake"
            )
            yield warning("chains", what, f"oneai models set {slowest.code} timeout_ms={less}")
