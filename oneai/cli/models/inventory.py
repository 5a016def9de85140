"""What is registered, as a command sees it: all rows, and the registry that the gateway makes of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from oneai.cli.frame import Desk
from oneai.core.registry import Registry, build
from oneai.errors import RemovedModel, UnknownModel
from oneai.store import Store
from oneai.types import Model, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Rows by code, and the registry of those that are not removed, overrides applied."""

    rows: dict[str, Row]
    registry: Registry

    def row(self, code: str) -> Row:
        """Raises UnknownModel, or RemovedModel for one that `enable` brings back."""
        if code not in self.rows:
            raise UnknownModel(model=code)
        if is_removed(self.rows[code]):
            raise RemovedModel(model=code)
        return self.rows[code]

    def model(self, code: str) -> Model:
        """As `row`, as the gateway reads it; UnknownModel too for a row that it must leave out."""
        self.row(code)
        if code not in self.registry.models:
            raise UnknownModel(model=code)
        return self.registry.models[code]

    def others(self, changed: Iterable[Row]) -> list[Row]:
        """Every row, with those that change in their new form."""
        return list((self.rows | {row["model_code"]: row for row in changed}).values())


async def read(desk: Desk, store: Store) -> Inventory:
    """All of it."""
    return of(desk, await store.models())


def of(desk: Desk, rows: list[Row]) -> Inventory:
    """What these rows make."""
    registry = build(rows, [], desk.settings.overrides)
    return Inventory(rows={str(row["model_code"]): row for row in rows}, registry=registry)


def is_removed(row: Row) -> bool:
    meta = row.get("meta")
    return isinstance(meta, dict) and bool(meta.get("removed_at"))


def meta(row: Row) -> dict[str, Any]:
    """A row's meta, that is an object whatever is stored."""
    found = row.get("meta")
    return dict(found) if isinstance(found, dict) else {}
