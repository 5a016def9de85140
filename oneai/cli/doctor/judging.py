"""Every check, in the order that it is shown in. To add one: a function from Facts to remarks, and one line here."""

from collections.abc import Callable, Iterable

from oneai.cli.doctor import chains, gateway, host, keys, models, overrides, storage
from oneai.cli.doctor.facts import Facts
from oneai.cli.doctor.remark import Remark

CHECKS: tuple[Callable[[Facts], Iterable[Remark]], ...] = (
    host.settings,
    host.home,
    storage.store,
    gateway.running,
    gateway.registry,
    storage.journal,
    keys.listed,
    keys.stored,
    models.registered,
    models.each,
    overrides.judged,
    chains.judged,
)


def all_of(facts: Facts) -> list[Remark]:
    """What is to be said of these facts."""
    return [remark for check in CHECKS for remark in check(facts)]
