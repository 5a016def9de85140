"""`oneai models remove`: take a model out of service and out of sight; with --purge out of the store."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from oneai.cli import ask, stores
from oneai.cli.frame import DONE, Desk, DryRun, Json, Yes, run
from oneai.cli.models import applying, inventory, rows
from oneai.cli.models.applying import Applied
from oneai.cli.models.inventory import Inventory
from oneai.errors import UnknownModel
from oneai.store import Store
from oneai.types import Row


def remove(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Which model.")],
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete it with its usage and health. That cannot be undone.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take a model out of service and hide it; its usage stays. `enable` undoes it.

    The chains that led through it are wired past it, to its own fallback.
    """
    run(context, json, lambda desk: _remove(desk, code, purge=purge, yes=yes, dry_run=dry_run))


async def _remove(desk: Desk, code: str, *, purge: bool, yes: bool, dry_run: bool) -> int:
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await inventory.read(desk, store)
        if code not in known.rows:
            raise UnknownModel(model=code)
        past = _passed_by(known, code)
        gone = Applied(
            code=code, changes=rows.differences(known.rows[code], {} if purge else _hidden(known.rows[code]))
        )
        seen = [row for row in past if not inventory.is_removed(row)]
        applied = [*(_rewired(known, row, code) for row in seen), gone]
        if not dry_run and any(one.changed for one in applied):
            ask.confirm(_question(code, purge, len(seen)), yes=yes)
        force = list(known.registry.models) == [code]
        live = await applying.apply(
            desk, applied, lambda: _write(store, past, known.rows[code], purge), dry_run=dry_run, force=force
        )
    did = "deleted with all its history" if purge else "removed"
    hints = [] if purge or dry_run else [f"Undo: oneai models enable {code}"]
    more = {"code": code, "purged": purge and not dry_run}
    applying.tell(desk, applied, live, did=did, same="removed", dry_run=dry_run, more=more, hints=hints)
    return DONE


def _question(code: str, purge: bool, rewired: int) -> str:
    past = f" and wire {rewired} chain link(s) past it" if rewired > 0 else ""
    if purge:
        return f"Delete {code} with all its usage and health, for good,{past or ' now'}?"
    return f"Take {code} out of service{past}?"


def _passed_by(known: Inventory, code: str) -> list[Row]:
    """Those that fall back to it, falling back to what is behind it instead."""
    behind = known.rows[code].get("fallback_model_code")
    before = [rows.writable(row) for row in known.rows.values() if row.get("fallback_model_code") == code]
    return [
        row | {"fallback_model_code": behind if behind != row["model_code"] else None}
        for row in before
        if row["model_code"] != code
    ]


def _hidden(row: Row) -> Row:
    """The model's own row, out of service and out of sight; one that is so already stays as it is."""
    meta = inventory.meta(row)
    stamp = meta.get("removed_at") or datetime.now(UTC).isoformat(timespec="seconds")
    return rows.writable(row) | {"active": False, "meta": meta | {"removed_at": stamp}}


def _rewired(known: Inventory, row: Row, removed: str) -> Applied:
    code = row["model_code"]
    return Applied(code=code, changes=rows.differences(known.rows[code], row), did=f"wired past {removed}")


async def _write(store: Store, past: list[Row], row: Row, purge: bool) -> None:
    await store.put_models(past if purge else [*past, _hidden(row)])
    if purge:
        await store.purge_model(row["model_code"])
