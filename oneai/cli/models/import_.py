"""`oneai models import`: many models at once, all of them or none."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from oneai.cli import progress, stores
from oneai.cli.frame import Desk, DryRun, Json, run
from oneai.cli.models import applying, inventory, rows
from oneai.cli.models.applying import Applied
from oneai.cli.models.inventory import Inventory
from oneai.core import codes
from oneai.errors import BadField, Conflict, MissingFile
from oneai.store import Store
from oneai.types import Row

if TYPE_CHECKING:
    from rich.console import Console

_ACCEPTED = '{"models": [{"model_code": "op1", …}, …]}, as `oneai models export` writes it'
_IGNORED = ("created_at", "updated_at")


def import_models(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="What `export` wrote; - is stdin.")],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite rows that differ.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Register every model of a file in one statement, so that they may fall back to each other in any order."""
    given = _read(file)
    run(context, json, lambda desk: _import(desk, given, replace=replace, dry_run=dry_run))


def _read(file: str) -> list[Row]:
    """The rows of a file. Raises BadField for what is no such file, naming the row and the field."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        document = orjson.loads(raw)
    except FileNotFoundError as exc:
        raise MissingFile(path=file) from exc
    except OSError as exc:
        raise BadField(field="FILE", found=f"{file}: {exc.strerror}", accepted="a file that can be read") from exc
    except orjson.JSONDecodeError as exc:
        raise BadField(field=file, found=f"no JSON ({exc})", accepted=_ACCEPTED) from exc
    listed = document.get("models") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise BadField(field=file, found="no list of models", accepted=_ACCEPTED)
    found = [_row(row, position) for position, row in enumerate(listed, start=1)]
    _refuse_doubles(found)
    return found


def _row(given: Any, position: int) -> Row:
    """One row, the columns that it does not name by their defaults."""
    if not isinstance(given, dict):
        raise BadField(field=f"row {position}", found=repr(given)[:80], accepted="an object")
    code = given.get("model_code")
    if not isinstance(code, str):
        raise BadField(field=f"row {position}: model_code", found=repr(code)[:80], accepted="a code such as op1")
    if strange := [name for name in given if name not in (*rows.COLUMNS, *_IGNORED)]:
        raise BadField(field=f"{code}: {strange[0]}", found="an unknown column", accepted=", ".join(rows.COLUMNS))
    row = rows.blank(codes.parse(code)) | {name: given[name] for name in rows.COLUMNS if given.get(name) is not None}
    _check_kinds(row)
    return row | {"endpoint": rows.completed(row["endpoint"], codes.parse(code).domain)}


def _check_kinds(row: Row) -> None:
    """What JSON must hold here: a number as a text would be read, and stored as what it is not."""
    kinds = {"timeout_ms": int, "max_tokens": int, "active": bool, "meta": dict}
    for name, found in row.items():
        kind = kinds.get(name, str)
        if found is not None and (not isinstance(found, kind) or (kind is int and isinstance(found, bool))):
            words = {int: "a whole number", bool: "true or false", dict: "an object", str: "a text"}
            raise BadField(field=f"{row['model_code']}: {name}", found=repr(found)[:80], accepted=words[kind])
    if not row["provider"]:
        raise BadField(field=f"{row['model_code']}: provider", found="nothing", accepted="who made the model")


def _refuse_doubles(found: Sequence[Row]) -> None:
    seen: set[str] = set()
    for row in found:
        if row["model_code"] in seen:
            raise BadField(field="model_code", found=f"{row['model_code']} twice", accepted="each code once")
        seen.add(row["model_code"])


async def _import(desk: Desk, given: list[Row], *, replace: bool, dry_run: bool) -> int:
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await inventory.read(desk, store)
        named = [row["model_code"] for row in given]
        rows.check_links(rows.check(known.others(given), named), named)
        applied = [_applied(known, row) for row in given]
        if not replace:
            _refuse_changed(applied)
        changed = {one.code for one in applied if one.changed}
        fresh = [row for row in given if row["model_code"] in changed]
        live = await applying.apply(desk, applied, lambda: _write(store, fresh), dry_run=dry_run)
    counts = {word: sum(one.did == word and one.changed for one in applied) for word in ("added", "changed")}
    counts["unchanged"] = sum(not one.changed for one in applied)
    document = {
        "counts": counts,
        "dry_run": dry_run,
        "live": live.live,
        "note": live.note,
        "models": _document(applied),
    }
    desk.out.give(document, lambda console: _draw(console, applied, counts, dry_run))
    desk.out.say(live.note)
    return applying.mute(desk, applied)


async def _write(store: Store, fresh: list[Row]) -> None:
    with progress.bar("Writing models", len(fresh)):
        await store.put_models(fresh)


def _applied(known: Inventory, row: Row) -> Applied:
    old = known.rows.get(row["model_code"])
    return Applied(code=row["model_code"], changes=rows.differences(old, row), did="changed" if old else "added")


def _refuse_changed(applied: Sequence[Applied]) -> None:
    changed = [one for one in applied if one.changed and one.did == "changed"]
    if changed:
        differing = "; ".join(f"{one.code}: {', '.join(change.field for change in one.changes)}" for one in changed)
        raise Conflict(what=f"Registered already, and otherwise: {differing}. --replace overwrites them.")


def _document(applied: Sequence[Applied]) -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [
        {
            "code": one.code,
            "result": one.did if one.changed else "unchanged",
            "changes": [asdict(c) for c in one.changes],
        }
        for one in applied
    ]


def _draw(console: "Console", applied: Sequence[Applied], counts: dict[str, int], dry_run: bool) -> None:
    from oneai.cli.models import drawn

    if counts["added"] or counts["changed"]:
        table = drawn.table("code", "result", "what", keep=["code", "result"])
        for one in applied:
            result = one.did if one.changed else "unchanged"
            table.add_row(one.code, result, _what(one))
        console.print(table)
    would = "would be " if dry_run else ""
    console.print(", ".join(f"{count} {would}{word}" for word, count in counts.items()) + ".")


def _what(one: Applied) -> str:
    from oneai.cli.models import drawn

    if one.did == "added":
        return drawn.value(next((change.new for change in one.changes if change.field == "endpoint"), None))
    return ", ".join(f"{c.field}: {drawn.value(c.old)} → {drawn.value(c.new)}" for c in one.changes) or "–"
