"""`oneai models test`: one small call to a model, through the gateway or straight to its server."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oneai.cli import progress, stores
from oneai.cli.frame import DONE, FAILED, UNREACHABLE, Desk, Json, run
from oneai.cli.models import drawn, inventory
from oneai.errors import BadField
from oneai.types import Model

if TYPE_CHECKING:
    from rich.console import Console

    from oneai.cli.models.asking import Told


def trial(
    context: typer.Context,
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="Which models.")],
    text: Annotated[str | None, typer.Option(help="What to ask.")] = None,
    image: Annotated[Path | None, typer.Option(help="A page to read: PNG, JPEG, WebP or TIFF.")] = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="Ask the model's own server, past the gateway: who of the two is at fault?")
    ] = False,
    json: Json = False,
) -> None:
    """Ask each model something small, without fallback. Exit 1 when one fails, 6 when it or the gateway is away."""
    page = _page(image)
    run(context, json, lambda desk: _test(desk, codes, text, page, direct=direct))


def _page(image: Path | None) -> bytes | None:
    try:
        return image.read_bytes() if image else None
    except OSError as exc:
        raise BadField(field="--image", found=f"{image}: {exc.strerror}", accepted="a file that can be read") from exc


async def _test(desk: Desk, codes: list[str], text: str | None, page: bytes | None, *, direct: bool) -> int:
    from oneai.cli.models import asking

    async with stores.reading(desk) as store:
        known = await inventory.read(desk, store)
    # A model that only the gateway knows, on another store, is the gateway's to judge.
    models: list[Model | str] = [known.registry.models.get(code) or code for code in codes]
    told = []
    with progress.bar("Testing", len(models)) as advance:
        for model in models:
            ask = asking.direct(desk, known, model, text, page) if direct else asking.gateway(desk, model, text, page)
            told.append(await ask)
            advance()
    desk.out.give({"tests": [one.document() for one in told]}, lambda console: _draw(console, told))
    return _code(told)


def _code(told: "Sequence[Told]") -> int:
    """That of the first that failed."""
    failed = next((one for one in told if not one.ok), None)
    return DONE if failed is None else UNREACHABLE if failed.away else failed.exit_code or FAILED


def _draw(console: "Console", told: "Sequence[Told]") -> None:
    table = drawn.table("code", "result", "ms", "answer", right=["ms"], keep=["code", "result"])
    for one in told:
        table.add_row(one.code, one.word, drawn.figure(one.latency_ms), drawn.value(one.said))
    console.print(table)
    for advice in dict.fromkeys(one.advice for one in told if one.advice):
        console.print(advice)
