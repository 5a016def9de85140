"""A gateway in a process of its own, for clients that block and watch over all that happens in theirs: schemathesis."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from oneai.core import keys
from oneai.store import opened as opened_store
from oneai.types import Row
from tests.core.rows_of import key_row, row
from tests.fakes import model_server
from tests.gateway.conftest import House
from tests.gateway.openapi.polyglot import speaks

CODES = ("lp1", "op1", "vp1", "tp1", "ep1", "rp1")
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where it is, and the keys to it: `plain` may call every model, `admin` may do all."""

    url: str
    keys: Mapping[str, str]


@contextmanager
def standing(folder: Path) -> Iterator[Standing]:
    """A gateway of six models, all of them behind one server that speaks every surface."""
    command = [sys.executable, "-W", "error", "-m", "tests.gateway.openapi.standing", str(folder)]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            said = process.stdout.readline()
            assert said, "the gateway did not start: its standard error says why"
            yield Standing(**orjson.loads(said))
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


async def _stand(folder: Path) -> None:
    """Say where, and stay until the other end of standard input is closed."""
    async with _opened(folder) as opened:
        print(orjson.dumps(asdict(opened)).decode(), flush=True)
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Standing]:
    home = folder / "home"
    home.mkdir()
    plain, admin = (keys.generate(secrets.token_bytes(32)) for _ in range(2))
    async with model_server.serving(speaks) as server:
        async with opened_store(f"sqlite:{home / 'oneai.db'}") as store:
            await store.put_models([_model(code, server.origin) for code in CODES])
            await store.put_key(key_row(keys.hash_of(plain), name="plain"))
        house = House(home=home, admin=admin, keys={"plain": plain})
        async with house.opened() as gate:
            yield Standing(url=gate.url, keys={"plain": plain, "admin": admin})


def _model(code: str, origin: str) -> Row:
    path = {"e": "embeddings", "r": "rerank"}.get(code[0], "chat/completions")
    made = row(code, endpoint=f"{origin}/v1/{path}")
    return {name: value for name, value in made.items() if not name.endswith("ed_at")}


if __name__ == "__main__":
    asyncio.run(_stand(Path(sys.argv[1])))
