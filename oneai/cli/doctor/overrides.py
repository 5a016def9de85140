"""The doctor on MODEL_* variables: which hide what a row says, and which name nothing."""

from collections.abc import Iterator
from typing import Any

from oneai.cli.doctor.facts import Facts
from oneai.cli.doctor.remark import Remark, warning
from oneai.types import Model, Row

_COLUMNS = {"fallback": "fallback_model_code"}


def judged(facts: Facts) -> Iterator[Remark]:
    """One that says what its row says is no finding."""
    for code, model in facts.registry.models.items():
        for field, variable in model.overridden.items():
            yield from _hidden(model, facts.rows[code], field, variable)
    for code in facts.settings.overrides:
        if code not in facts.registry.models:
            what = f"MODEL_{code.upper()}_*: no model {code} is registered, so they have no effect"
            yield warning("overrides", what, "take them out of master.env, or `oneai models add` it")


def _hidden(model: Model, row: Row, field: str, variable: str) -> Iterator[Remark]:
    used: Any = getattr(model, field)
    column = _COLUMNS.get(field, field)
    if row.get(column) == used:
        return
    # An endpoint may hold a password: the fact that it differs is enough.
    what = f"{variable} hides {column} of {model.code}'s row"
    shown = what if field == "endpoint" else f"{what}: {used or 'nothing'} instead of {row.get(column) or 'nothing'}"
    yield warning("overrides", shown, f"take {variable} out of master.env, or write it into the row: oneai models set")
