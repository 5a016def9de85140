"""`oneai models export`: the registered models as JSON, for `import` elsewhere."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.cli.models import inventory, rows
from oneai.errors import BadField


def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Where to; - is stdout.")] = "-",
    json: Json = False,
) -> None:
    """Write the models as JSON, by the columns of the table; removed ones are left out."""
    run(context, json, lambda desk: _export(desk, file))


async def _export(desk: Desk, file: str) -> int:
    async with stores.reading(desk) as store:
        known = await inventory.read(desk, store)
    kept = [rows.writable(row) for row in known.rows.values() if not inventory.is_removed(row)]
    text = orjson.dumps({"models": kept}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    if file == "-":
        sys.stdout.write(text)
        return DONE
    _write(Path(file), text)
    words = f"{len(kept)} models are in {file}."
    desk.out.give({"file": file, "models": len(kept)}, lambda console: console.print(words))
    return DONE


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise BadField(field="FILE", found=f"{file}: {exc.strerror}", accepted="a file that can be written") from exc
