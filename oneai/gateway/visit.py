"""One HTTP request on its way through the gateway, and what has been learnt of it so far."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from multidict import istr

from oneai import ids
from oneai.core.journey import Done
from oneai.errors import OneAIError
from oneai.gateway.pace import PACE, Pace
from oneai.types import Attempt, Call, Key, Surface

_REQUEST_ID, _CF_RAY = istr("X-Request-Id"), istr("CF-Ray")
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(slots=True, kw_only=True)
class Visit:
    """`request_id` may be the client's own and repeat; `id` is ours and does not."""

    request: web.BaseRequest
    pace: Pace = PACE
    id: str = field(default_factory=ids.call_id)
    request_id: str = ""
    route: str = "-"
    surface: Surface | None = None
    """Of a call: the words that its client speaks."""
    params: Mapping[str, str] = field(default_factory=dict)
    key: Key | None = None
    call: Call | None = None
    attempts: list[Attempt] = field(default_factory=list)
    """Filled while the call is on its way."""
    done: Done | None = None
    error: OneAIError | None = None
    """Of a stream that had begun: its response can no longer tell."""
    status: int | None = None
    """How it ended, where the response says something else."""
    started: float = field(default_factory=time.monotonic)
    receiving_s: float = 0.0
    """How long the client took to send the body: no time of ours."""

    def __post_init__(self) -> None:
        theirs = self.request.headers.get(_REQUEST_ID)
        self.request_id = theirs if theirs and _SANE_ID.fullmatch(theirs) else self.id

    @property
    def tunnelled(self) -> bool:
        """Whether it came through Cloudflare's tunnel, which replaces 502 and 504 and gives up after 100 s."""
        return _CF_RAY in self.request.headers

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started
