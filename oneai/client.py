"""Our own HTTP API as a client: what the command line asks a running gateway."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from oneai.errors import GatewayAway, GatewayGone, GatewaySilent, NotAGateway, Refused

CONNECT_S = 3.0
ANSWER_S = 30.0
"""For everything but a call: a reload reads the whole store."""
CALL_S = 300.0
SILENCE_S = 60.0
"""For a stream: the gateway says something, if only that it is still there, every 15 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What `/v1/run` answered: its JSON, and the response's headers."""

    document: Mapping[str, Any]
    headers: Mapping[str, str]


class Gateway:
    """One gateway, for the length of an `async with`.

    Every method raises GatewayAway (or its GatewaySilent, NotAGateway) when no answer comes, and Refused with the
    gateway's own words when it says no.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._key = key

    async def __aenter__(self) -> "Gateway":
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            headers={"User-Agent": "oneai", **({"X-API-Key": self._key} if self._key else {})},
            json_serialize=lambda value: orjson.dumps(value).decode(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._session.close()

    async def health(self) -> dict[str, Any]:
        """`GET /health`; needs no key."""
        return await self._json("GET", "/health")

    async def models(self, *, all: bool = False) -> list[dict[str, Any]]:
        """`GET /models`: those that the key may call, the inactive too with `all`."""
        document = await self._json("GET", f"/models{'?all=true' if all else ''}")
        return self._list(document, "models")

    async def reload(self, *, force: bool = False) -> dict[str, Any]:
        """Have it read its store now; `force` has it believe a store that lost most of its rows."""
        return await self._json("POST", "/admin/reload", {"force": True} if force else None)

    async def reset(self, code: str) -> dict[str, Any]:
        """Close a model's circuit by hand."""
        return await self._json("POST", f"/admin/models/{quote(code, safe='')}/reset")

    async def state(self) -> dict[str, Any]:
        """What `oneai doctor` looks at."""
        return await self._json("GET", "/admin/state")

    async def call(self, id: str) -> dict[str, Any]:
        """One call by its id, its X-Request-Id, or `last`."""
        return await self._json("GET", f"/admin/calls/{quote(id, safe='')}")

    async def run(
        self, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, timeout_s: float = CALL_S
    ) -> Ran:
        """`POST /v1/run`, answered whole within `timeout_s`."""
        _status, found, raw = await self._exchange("POST", "/v1/run", body, headers or {}, timeout_s)
        return Ran(document=self._object(raw), headers=found)

    async def streamed(
        self, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, silence_s: float = SILENCE_S
    ) -> AsyncGenerator[bytes, None]:
        """`POST /v1/run` of a body that asks for a stream: its events in blocks as they come, cut anywhere.

        Bounded by its silences alone. To be closed where it is not read to its end: the gateway then stops the model.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
        async with self._answered("POST", "/v1/run", body, headers or {}, timeout) as response:
            if not 200 <= response.status < 300:
                raise refusal(response.status, await response.read())
            if response.content_type != "text/event-stream":
                raise NotAGateway(url=self.url, why="its answer is no stream of events")
            async for block in response.content.iter_any():
                yield block

    async def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        _status, _headers, raw = await self._exchange(method, path, body, {}, ANSWER_S)
        return self._object(raw)

    async def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a 2xx answer."""
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
        async with self._answered(method, path, body, headers, timeout) as response:
            raw = await response.read()
        if not 200 <= response.status < 300:
            raise refusal(response.status, raw)
        return response.status, response.headers, raw

    @asynccontextmanager
    async def _answered(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer, to be read inside. Redirects are not followed: the key would go with them."""
        try:
            async with self._session.request(
                method, self.url + path, json=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                yield response
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as exc:
            raise GatewayAway(url=self.url) from exc
        except TimeoutError as exc:
            raise GatewaySilent(url=self.url, seconds=timeout.total or timeout.sock_read) from exc
        except aiohttp.ClientResponseError as exc:
            raise NotAGateway(url=self.url, why="its answer is not valid HTTP") from exc
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as exc:
            raise GatewayGone(url=self.url) from exc
        except (aiohttp.ClientError, ValueError) as exc:
            raise GatewayAway(url=self.url) from exc

    def _object(self, raw: bytes) -> dict[str, Any]:
        document = _parsed(raw)
        if not isinstance(document, dict):
            raise NotAGateway(url=self.url, why="its answer is no JSON object")
        return document

    def _list(self, document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        found = document.get(name)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise NotAGateway(url=self.url, why=f"its answer has no list `{name}`")
        return found


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def refusal(status: int, raw: bytes) -> Refused:
    """The error of our envelope; of a tunnel's or a proxy's own page, its beginning."""
    document = _parsed(raw)
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        page = " ".join(raw[:200].decode(errors="replace").split())
        return Refused(status=status, code=f"http_{status}", said=page or "nothing")
    refused = Refused(
        status=status,
        code=str(error.get("code") or f"http_{status}"),
        said=str(error.get("message") or "nothing"),
        param=error.get("param"),
    )
    attempts = error.get("attempts")
    refused.trail = tuple(attempts) if isinstance(attempts, list) else ()
    return refused
