"""`oneai models set`: change fields of a model."""

from collections.abc import Mapping
from typing import Annotated

import typer

from oneai.cli import stores
from oneai.cli.frame import Desk, DryRun, Json, run
from oneai.cli.models import applying, fields, inventory, options, rows
from oneai.cli.models.applying import Applied
from oneai.cli.models.inventory import Inventory
from oneai.errors import MissingField
from oneai.types import Row


def set_fields(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Whose fields.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FIELD=VALUE]...", help="As timeout_ms=300000; nothing behind = empties it."),
    ] = None,
    provider: options.Provider = None,
    endpoint: options.Endpoint = None,
    name: options.Name = None,
    description: options.Description = None,
    timeout_ms: options.TimeoutMs = None,
    max_tokens: options.MaxTokens = None,
    fallback: options.Fallback = None,
    credential_env: options.CredentialEnv = None,
    served_model: options.ServedModel = None,
    max_in_flight: options.MaxInFlight = None,
    when_busy: options.WhenBusy = None,
    health_path: options.HealthPath = None,
    idle_ms: options.IdleMs = None,
    stream_usage: options.StreamUsage = None,
    price_in: options.PriceIn = None,
    price_out: options.PriceOut = None,
    price_request: options.PriceRequest = None,
    alias: options.Alias = None,
    meta: options.Meta = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Change a model's fields, by options or as FIELD=VALUE. Exit 7 where an environment variable overrides one."""
    given = fields.pairs(changes or ()) | fields.flags(context.params)
    if not given:
        raise MissingField(field="FIELD=VALUE", accepted=fields.ACCEPTED)
    run(context, json, lambda desk: _set(desk, code, given, dry_run=dry_run))


async def _set(desk: Desk, code: str, given: Mapping[str, str], *, dry_run: bool) -> int:
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await inventory.read(desk, store)
        old = rows.writable(known.row(code))
        row = _changed(known, old, given)
        applied = Applied(code=code, changes=rows.differences(old, row))
        columns = {name: found for name, found in row.items() if found != old[name]}
        live = await applying.apply(desk, [applied], lambda: store.change_model(code, columns), dry_run=dry_run)
    more = {"code": code, "model": row}
    applying.tell(desk, [applied], live, did="changed", same="so", dry_run=dry_run, more=more)
    return applying.mute(desk, [applied])


def _changed(known: Inventory, old: Row, given: Mapping[str, str]) -> Row:
    """The row after the change, checked."""
    row = fields.applied(old, given)
    registry = known.registry
    if row["endpoint"] != old["endpoint"] and old["model_code"] in registry.models:
        row["endpoint"] = rows.completed(row["endpoint"], registry.models[old["model_code"]].domain)
    fresh = rows.check(known.others([row]), [row["model_code"]])
    if row["fallback_model_code"] != old["fallback_model_code"]:
        rows.check_links(fresh, [row["model_code"]])
    return row
