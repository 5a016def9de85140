"""`oneai models next-code`: the next free code."""

from typing import Annotated

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.core import codes
from oneai.types import Domain, Role


def next_code(
    context: typer.Context,
    domain: Annotated[Domain, typer.Argument(help="What the model is for.")],
    role: Annotated[Role, typer.Argument(help="Its place among those of its domain.")],
    json: Json = False,
) -> None:
    """The next free code of a domain and role. `models add` without a code takes it."""
    run(context, json, lambda desk: _next(desk, domain, role))


async def _next(desk: Desk, domain: Domain, role: Role) -> int:
    async with stores.reading(desk) as store:
        taken = [str(row["model_code"]) for row in await store.models()]
    code = codes.next_free(domain, role, taken)
    desk.out.give({"code": code, "domain": domain, "role": role}, lambda console: console.print(code))
    return DONE
