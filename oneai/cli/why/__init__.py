"""`oneai why`: what became of a call, attempt by attempt, and the command that mends each failure."""

from typing import Annotated, Any

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.cli.why import advice, drawn
from oneai.core import story as stories
from oneai.errors import BadField, GatewayAway, NoCallYet, NotAGateway, Refused, UnknownCall

_LAST = "last"


def why(
    context: typer.Context,
    call: Annotated[str, typer.Argument(metavar="CALL", help="A call's id, its X-Request-Id, or `last`.")] = _LAST,
    json: Json = False,
) -> None:
    """Why a call went as it did: its attempts in order, and the command that mends what failed."""
    run(context, json, lambda desk: _why(desk, call))


async def _why(desk: Desk, id: str) -> int:
    if not id.strip():
        raise BadField(field="CALL", found="nothing", accepted="a call's id, its X-Request-Id, or `last`")
    story = await _story(desk, id)
    advised = advice.of_story(story)
    document = story | {"advice": [one.document() for one in advised]}
    desk.out.give(document, lambda console: drawn.story(console, story, advised))
    return DONE


async def _story(desk: Desk, id: str) -> dict[str, Any]:
    """The gateway's word; where none answers, what the store still has."""
    try:
        async with desk.gateway() as gateway:
            return await gateway.call(id) | {"source": "gateway"}
    except Refused as exc:
        if id == _LAST and exc.status == NoCallYet.status:
            raise NoCallYet() from exc
        raise
    except GatewayAway as exc:
        # The newest call, and one that was refused before any attempt, are known to a running gateway alone.
        if id == _LAST or isinstance(exc, NotAGateway):
            raise
        desk.out.warn(f"{exc} What follows is from the store, which lacks what that gateway has not sent it yet.")
    async with stores.reading(desk) as store:
        rows = await store.calls(id)
    if not rows:
        raise UnknownCall(id=id)
    return stories.of_rows(rows) | {"source": "store"}
