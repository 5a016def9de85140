"""After a change of the store: has the running gateway take it up, and says whether it did."""

from dataclasses import dataclass

from oneai.cli.frame import Desk
from oneai.errors import GatewayAway, GatewayGone, GatewaySilent, OneAIError, Refused

_BY_ITSELF = "a running gateway takes it up by itself within 5 s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Whether the gateway has the change already, and the sentence that says so."""

    live: bool
    note: str


async def announce(desk: Desk, *, force: bool = False) -> Live:
    """Ask the gateway to read its store now; never raises for a gateway that cannot or will not.

    `force` where the change itself took most models or keys away: the gateway would take that for a store gone wrong.
    """
    try:
        async with desk.gateway() as gateway:
            answer = await gateway.reload(force=force)
    except OneAIError as exc:
        return Live(live=False, note=_why_not(desk.settings.gateway_url, exc))
    if answer.get("reloaded") is not True:
        return Live(live=False, note=f"The gateway keeps what it had: {answer.get('why') or 'it does not say why'}.")
    return Live(live=True, note=f"The gateway at {desk.settings.gateway_url} has it.")


def _why_not(url: str, exc: OneAIError) -> str:
    if isinstance(exc, GatewayAway) and not isinstance(exc, GatewaySilent | GatewayGone):
        return f"No gateway answers at {url}: it has this when it starts."
    if isinstance(exc, Refused) and exc.status in (401, 403):
        advice = "ONEAI_API_KEY names an admin key"
        return f"The gateway at {url} refused our key ({exc.code}; {advice}): {_BY_ITSELF}."
    return f"{exc} Without being asked, {_BY_ITSELF}."
