"""`oneai run --stream`: the text goes out as it comes, and the last event is the answer."""

from collections.abc import AsyncIterable, Mapping
from contextlib import ExitStack, aclosing
from typing import Any

from oneai.cli.frame import Desk
from oneai.cli.run import events, shown, waiting
from oneai.cli.run.events import Event
from oneai.client import SILENCE_S, Gateway

_MARGIN_S = 15.0
"""How much longer we wait for the head of a stream than the gateway is set to hold it."""


async def told(desk: Desk, gateway: Gateway, asked: Mapping[str, Any], headers: Mapping[str, str]) -> Mapping[str, Any]:
    """The whole answer; its text is on stdout by then, unless JSON was asked for. Raises Refused and GatewayAway."""
    silence_s = max(SILENCE_S, desk.settings.head_hold_ms / 1000 + _MARGIN_S)
    async with aclosing(gateway.streamed(asked, headers=headers, silence_s=silence_s)) as blocks:
        with ExitStack() as quiet:
            quiet.enter_context(waiting.spinner(gateway.url))
            return await _followed(events.of(blocks, gateway.url), None if desk.out.json else quiet)


async def _followed(stream: AsyncIterable[Event], quiet: ExitStack | None) -> Mapping[str, Any]:
    """The data of the last event. Texts are printed, after `quiet` is closed; without it none is."""
    spoke = False
    last: Mapping[str, Any] = {}
    try:
        async for event in stream:
            last = event.data
            said = event.data.get("text") if event.name == events.DELTA else None
            if quiet is not None and isinstance(said, str) and said:
                quiet.close()
                shown.text(said)
                spoke = True
    finally:
        if spoke:  # what follows, an error too, begins on a line of its own
            shown.text("", end="\n")
    return last
