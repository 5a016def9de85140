"""One HTTP request on its way through the gateway, and what has been learnt of it so far."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from multidict import istr

from oneai import ids
from oneai.core.journey import Done
from oneai.types import Attempt, Call, Key

_REQUEST_ID, _CF_RAY = istr("X-Request-Id"), istr("CF-Ray")
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


BODY_IDLE_S = 30.0


@dataclass(slots=True, kw_only=True)
class Visit:
    """`request_id` may be the client's own and repeat; `id` is ours and does not."""

    request: web.BaseRequest
    body_idle_s: float = BODY_IDLE_S
    """A client that sends nothing of its body for so long is told 408."""
    id: str = field(default_factory=ids.call_id)
    request_id: str = ""
    route: str = "-"
    params: Mapping[str, str] = field(default_factory=dict)
    key: Key | None = None
    call: Call | None = None
    attempts: list[Attempt] = field(default_factory=list)
    """Filled while the call is on its way."""
    done: Done | None = None
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
