"""A pipeline over a world that the test sets: models, servers that behave, a clock, and a recorder that remembers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from oneai import profiles
from oneai.core import registry
from oneai.core.dialect import Dialect, Unusable
from oneai.core.journey import Done
from oneai.core.pipeline import Pipeline
from oneai.core.run_dialect import RunDialect
from oneai.core.seams import Clock, Opened
from oneai.types import Answer, Ask, Attempt, Call, Domain, Key, Model, Reply, Request, Surface
from tests.core.rows_of import row
from tests.core.run_calls import chat

Server = Callable[[Request], Awaitable["Answer | Trickle"]]
"""What a model's server does with a request."""


@dataclass
class Memory:
    """The recorder: what was recorded, in order."""

    attempted_: list[tuple[Attempt, int]] = field(default_factory=list)
    begun_: list[tuple[Attempt, int]] = field(default_factory=list)
    passed: list[Attempt] = field(default_factory=list)

    def begun(self, call: Call, attempt: Attempt, number: int) -> None:
        self.begun_.append((attempt, number))

    def attempted(self, call: Call, attempt: Attempt, number: int) -> None:
        self.attempted_.append((attempt, number))

    def passed_over(self, call: Call, attempt: Attempt) -> None:
        self.passed.append(attempt)

    @property
    def outcomes(self) -> list[str]:
        return [f"{attempt.model}={attempt.outcome}" for attempt, _ in self.attempted_]


@dataclass
class Names:
    """Served names by code, and what the servers would say if asked again."""

    now: dict[str, str] = field(default_factory=dict)
    next: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    windows: dict[str, int] = field(default_factory=dict)

    def window(self, model: Model) -> int | None:
        return self.windows.get(model.code)

    def of(self, model: Model) -> str | None:
        return self.now.get(model.code)

    async def ask_again(self, model: Model) -> None:
        self.asked.append(model.code)
        self.now.pop(model.code, None)
        self.now |= {code: name for code, name in self.next.items() if code == model.code}


class World:
    """Models at `http://<code>.example`, whose servers the test sets in `servers`."""

    def __init__(self, *rows: dict[str, Any], dialects: Mapping[Surface, Dialect] | None = None) -> None:
        self.registry = registry.build(rows, [])
        self.servers: dict[str, Server] = {}
        self.heard: list[tuple[str, Any]] = []
        self.memory = Memory()
        self.names = Names()
        self.skew = 0.0
        self._ids = iter(range(1, 1_000_000))
        self.pipeline = Pipeline(
            registry=lambda: self.registry,
            # Chat only for its outcomes, which differ where we did not write the body.
            dialects=dialects or dict.fromkeys((Surface.RUN, Surface.CHAT), RunDialect(profiles.load(), {})),
            send=self._whole,
            open=self._open,
            names=self.names,
            recorder=self.memory,
            clock=Clock(
                monotonic=self.now,
                wall=lambda: 1_700_000_000.0 + self.now(),
                jitter=lambda: 0.5,
                new_id=lambda: f"id-{next(self._ids)}",
            ),
        )

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self.skew

    async def ask(self, task: Domain = Domain.LLM, **fields: Any) -> Done:
        return await self.pipeline.answer(call(task, **fields))

    async def fail(self, code: str, times: int) -> None:
        """Have calls of this model alone fail, as often as that."""
        before, self.servers[code] = self.servers.get(code), unusable("connection_lost")
        for _ in range(times):
            await asyncio.gather(self.ask(requested=code, falls_back=False), return_exceptions=True)
        self.servers |= {code: before} if before else {}
        self.heard.clear()
        self.memory.attempted_.clear()

    @property
    def asked(self) -> list[str]:
        return [code for code, _ in self.heard]

    async def _whole(self, request: Request) -> Answer:
        answer = await self._send(request)
        assert isinstance(answer, Answer)
        return answer

    async def _send(self, request: Request) -> "Answer | Trickle":
        code = request.url.removeprefix("http://").partition(".")[0]
        self.heard.append((code, orjson.loads(whole(request))))
        return await self.servers[code](request)

    async def _open(self, request: Request) -> Opened:
        answer = await self._send(request)
        if isinstance(answer, Trickle):
            return answer
        return Trickle(answer.body, status=answer.status, kind="application/json")


class Trickle:
    """An answer that comes in pieces, as the script says: bytes, a pause in seconds, or something to raise."""

    def __init__(self, *script: bytes | float | Exception, status: int = 200, kind: str = "text/event-stream") -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"Content-Type": kind}
        self.closed = 0
        self._script = deque(script)

    async def __call__(self, request: Request) -> "Trickle":
        """As a server: answers with itself."""
        return self

    async def block(self) -> bytes:
        while self._script:
            piece = self._script.popleft()
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, bytes):
                return piece
            await asyncio.sleep(piece)
        return b""

    async def whole(self) -> bytes:
        found = b""
        while piece := await self.block():
            found += piece
        return found

    def close(self) -> None:
        self.closed += 1


def whole(request: Request) -> bytes:
    """The body of a request, in one."""
    return request.body if isinstance(request.body, bytes) else b"".join(request.body)


def call(task: Domain = Domain.LLM, **fields: Any) -> Call:
    defaults: dict[str, Any] = {
        "id": "run_1",
        "request_id": "r1",
        "surface": Surface.RUN,
        "task": task,
        "key": Key(hash="0" * 64, name="test"),
        "ask": Ask(text="Hello"),
    }
    return Call(**(defaults | fields))


def link(code: str, fallback: str | None = None, **changes: Any) -> dict[str, Any]:
    """A model's row in a chain; its server is at a host of its own name."""
    endpoint = f"http://{code}.example/v1/chat/completions"
    return row(code, endpoint=endpoint, fallback_model_code=fallback, **changes)


def chain_of(*codes: str, **changes: Any) -> list[dict[str, Any]]:
    return [link(code, after, **changes) for code, after in zip(codes, [*codes[1:], None], strict=True)]


def says(text: str = "Hello", **fields: Any) -> Server:
    return answers(chat(text, **fields))


def answers(payload: Any, status: int = 200, **headers: str) -> Server:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)

    async def serve(request: Request) -> Answer:
        return Answer(status=status, headers=headers, body=body)

    return serve


def unusable(outcome: str, why: str = "it broke") -> Server:
    async def serve(request: Request) -> Answer:
        raise Unusable(outcome, why)

    return serve


async def hangs(request: Request) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


def takes(seconds: float, then: Server) -> Server:
    async def serve(request: Request) -> "Answer | Trickle":
        await asyncio.sleep(seconds)
        return await then(request)

    return serve


def replied(done: Done) -> Reply:
    """The reply of a call that was answered whole."""
    assert isinstance(done.reply, Reply)
    return done.reply


def trail(attempts: Sequence[Attempt]) -> list[str]:
    return [f"{attempt.model}={attempt.outcome}" for attempt in attempts]
