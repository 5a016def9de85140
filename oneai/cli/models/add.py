"""`oneai models add`: a new model, its code allotted, its server asked what it serves."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from oneai.cli import stores
from oneai.cli.frame import Desk, DryRun, Json, run
from oneai.cli.models import applying, fields, inventory, options, rows
from oneai.cli.models.applying import Applied
from oneai.cli.models.inventory import Inventory
from oneai.core import codes
from oneai.core.codes import Code
from oneai.errors import BadField, Conflict, MissingField
from oneai.types import Domain, Model, Role, Row

if TYPE_CHECKING:
    from oneai.cli.models.probe import Probe


def add(
    context: typer.Context,
    code: Annotated[str | None, typer.Argument(help="Its code, such as op1; without it the next free one.")] = None,
    domain: Annotated[Domain | None, typer.Option(help="What it is for.")] = None,
    role: Annotated[Role | None, typer.Option(help="Its place among those of its domain.")] = None,
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
    inactive: Annotated[bool, typer.Option("--inactive", help="Register it, and let no call go to it yet.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite another row of this code.")] = False,
    no_probe: Annotated[bool, typer.Option("--no-probe", help="Do not ask its server what it serves.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Register a model. The same again changes nothing; another row of this code is a conflict."""
    given = fields.flags(context.params) | ({"active": "false"} if inactive else {})
    _need(given)
    wish = _Wish(code, domain, role, given)
    run(context, json, lambda desk: _add(desk, wish, replace=replace, probes=not no_probe, dry_run=dry_run))


class _Wish:
    """The model that was asked for: its code, or domain and role, and its fields."""

    __slots__ = ("code", "domain", "given", "role")

    def __init__(self, code: str | None, domain: Domain | None, role: Role | None, given: Mapping[str, str]) -> None:
        self.code = code
        self.domain = domain
        self.role = role
        self.given = given

    def row(self, known: Inventory) -> Row:
        """The row; of a model without a code, that of one which is there already, else with the next free code."""
        if self.code is not None:
            return self._row(self._agreed(codes.parse(self.code)))
        if self.domain is None or self.role is None:
            raise MissingField(field="CODE, or --domain and --role", accepted="op1, or --domain ocr --role primary")
        same = (self._row(codes.parse(code)) for code in known.registry.models if self._fits(code))
        found = next((row for row in same if not rows.differences(known.rows[row["model_code"]], row)), None)
        return found or self._row(codes.parse(codes.next_free(self.domain, self.role, known.rows)))

    def _fits(self, code: str) -> bool:
        return codes.is_code(code) and (codes.parse(code).domain, codes.parse(code).role) == (self.domain, self.role)

    def _agreed(self, code: Code) -> Code:
        for option, asked, said in (("--domain", self.domain, code.domain), ("--role", self.role, code.role)):
            if asked is not None and asked is not said:
                raise BadField(field=option, found=asked, accepted=f"{said}, as the code {code} says, or another code")
        return code

    def _row(self, code: Code) -> Row:
        row = fields.applied(rows.blank(code), self.given)
        return row | {"endpoint": rows.completed(row["endpoint"], code.domain)}


def _need(given: Mapping[str, str]) -> None:
    if "endpoint" not in given:
        raise MissingField(field="--endpoint", accepted="where the model is served, such as http://gpu.example:8000")
    if "provider" not in given:
        raise MissingField(field="--provider", accepted="who made the model, such as deepseek, paddle or meta")


async def _add(desk: Desk, wish: _Wish, *, replace: bool, probes: bool, dry_run: bool) -> int:
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await inventory.read(desk, store)
        row = wish.row(known)
        code = row["model_code"]
        registry = rows.check(known.others([row]), [code])
        rows.check_links(registry, [code])
        applied = Applied(code=code, changes=_changes(known, row, replace=replace))
        found = await _probed(desk, registry.models[code]) if probes else None
        live = await applying.apply(desk, [applied], lambda: store.put_models([row]), dry_run=dry_run)
    more = {"code": code, "model": row, "probe": asdict(found) if found else None}
    hints = (
        [*([str(found)] if found and found.answers else []), f"Test it: oneai models test {code}"]
        if not dry_run
        else []
    )
    applying.tell(
        desk, [applied], live, did="registered", same="registered so", dry_run=dry_run, more=more, hints=hints
    )
    if found and not found.answers:
        desk.out.warn(f"{found} {code} {'would be' if dry_run else 'is'} registered all the same.")
    return applying.mute(desk, [applied])


async def _probed(desk: Desk, model: Model) -> "Probe":
    from oneai.cli.models import probe

    return await probe.ask(desk.settings, model)


def _changes(known: Inventory, row: Row, *, replace: bool) -> list[rows.Change]:
    """What differs from the row that is there. Raises Conflict where that is another one."""
    code = row["model_code"]
    old = known.rows.get(code)
    found = rows.differences(old, row)
    if old is None or not found or replace:
        return found
    if inventory.is_removed(old):
        what = f"{code} was removed; `oneai models enable {code}` brings it back, --replace writes this in its place."
        raise Conflict(what=what)
    differing = ", ".join(f"{one.field} is {one.old!r}, not {one.new!r}" for one in found)
    raise Conflict(
        what=f"{code} is registered already, and otherwise: {differing}. `oneai models set {code} …` changes fields,"
        " --replace writes the whole row, and without a code the next free one is taken."
    )
