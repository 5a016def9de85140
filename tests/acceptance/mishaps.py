"""Model servers that fail in every known way, by a seed: what one does hangs on the call and the model alone."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from tests.acceptance.tongues import CHAT, TONGUES, Tongue
from tests.fakes.model_server import Behaviour, Line, answers, models, resets, streams
from tests.gateway.openapi.polyglot import speaks
from tests.gateway.test_outcomes import ROWS, error
from tests.gateway.test_streaming import event

_CALL = re.compile(rb"call-(\d+)")
_TONGUES: Mapping[str, Tongue] = {tongue.path: tongue for tongue in TONGUES.values() if tongue.path != "/v1/run"}
LATE = {
    "a reset after content": "connection_lost",
    "an error event after content": "error_event",
}
"""What becomes of a stream that has begun."""


WAYS = (*ROWS, *LATE)


def fits(way: str, streamed: bool) -> bool:
    """Whether a call that is asked for so can fail so."""
    if way in LATE:
        return streamed
    return not (ROWS[way].whole_only if streamed else ROWS[way].streamed_only)


def _late(way: str, tongue: Tongue) -> Behaviour:
    ends: Mapping[str, bytes | Behaviour] = {
        "a reset after content": resets,
        "an error event after content": event(error("engine died")),
    }
    return streams(*tongue.first, tongue.word("Hel"), ends[way])


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishaps:
    """To be served; a model's endpoint is `/<its code>/v1/…` there.

    `own` has the one way in which a model fails, where it has one; `share` how often models fail, by the beginnings of
    their codes.
    """

    seed: int
    own: Mapping[str, str]
    share: Mapping[str, float]
    done: Counter[str] = field(default_factory=Counter)
    """How often each way was taken."""

    async def __call__(self, line: Line) -> bool:
        _, code, path = line.heard.path.split("/", 2)
        if line.heard.method == "GET":
            return await answers(models("served-name"))(line)
        call = _CALL.search(line.heard.body)
        assert call is not None
        streamed = b'"stream":true' in line.heard.body.replace(b" ", b"")
        way = self.way(int(call[1]), code, streamed)
        self.done[way or ""] += 1
        if way is None:
            return await speaks(replace(line, heard=replace(line.heard, path=f"/{path}")))
        if way in LATE:
            return await _late(way, _TONGUES.get(f"/{path}", CHAT))(line)
        return await ROWS[way].does(line)

    def way(self, call: int, code: str, streamed: bool) -> str | None:
        """How a model fails this call; None where it answers."""
        chance = Random(f"{self.seed}/{call}/{code}")
        if chance.random() >= next(share for begins, share in self.share.items() if code.startswith(begins)):
            return None
        if own := self.own.get(code):
            return own
        return chance.choice([way for way in WAYS if fits(way, streamed)])

    def outcome(self, call: int, code: str, streamed: bool) -> str:
        """What it comes to on chat."""
        way = self.way(call, code, streamed)
        return "ok" if way is None else LATE[way] if way in LATE else ROWS[way].outcome
