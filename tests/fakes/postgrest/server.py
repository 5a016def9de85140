"""A Supabase project on loopback: the gateway that checks the key, and PostgREST over rows in memory."""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from oneai.types import Row
from tests.fakes.postgrest.database import Database
from tests.fakes.postgrest.grammar import Asked, parse
from tests.fakes.postgrest.refusal import Refusal, Unspoken
from tests.fakes.postgrest.schema import migrated, shown, todays

_PREFERENCES = {
    "GET": {"count=exact"},
    "POST": {"return=minimal", "resolution=ignore-duplicates", "resolution=merge-duplicates"},
    "PATCH": {"return=minimal", "return=representation", "count=exact"},
    "DELETE": {"return=minimal", "count=exact"},
}


def token(role: str) -> str:
    """A JWT that claims a role; nobody could verify it, and nobody here does."""
    parts: tuple[dict[str, Any], ...] = ({"alg": "HS256", "typ": "JWT"}, {"iss": "supabase", "role": role})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(32)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What every request gets instead of an answer."""

    status: int = 200
    body: str = ""
    kind: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    cuts: bool = False
    """The connection ends before any answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One line of the call log."""

    method: str
    table: str
    query: dict[str, str]
    rows: int
    """How many rows the body held."""


class Postgrest:
    """The project; start and end it with `async with`."""

    def __init__(self, *, migrated: bool = True, max_rows: int = 1000) -> None:
        self.key = token("service_role")
        self.broken: Broken | None = None
        self.empty = False
        """Row level security hides every row, as it does from the key of another role: no error, just nothing."""
        self.readonly = False
        """The key may read, not write."""
        self.before: Callable[[Asking], None] = lambda asking: None
        """What happens just before a request is carried out; a Refusal from it is the answer."""
        self.log: list[Asking] = []
        self.unspoken: list[str] = []
        """What was asked that the fake does not speak. Must stay empty."""
        self.hanging = asyncio.Event()
        """A request has come that gets no answer, as `broken` said."""
        self._max_rows = max_rows
        self.database = Database(_tables(migrated))
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=1.0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    @property
    def connections(self) -> int:
        """How many connections are open just now."""
        assert self._runner.server is not None
        return len(self._runner.server.connections)

    async def emptied(self) -> None:
        """Until no connection is open; the server learns of an end when the loop next reads, and tells nobody."""
        while self.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)

    def migrate(self) -> None:
        """What pasting our SQL into the editor does."""
        self.database.migrate(_tables(True))

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        if kind is None:
            assert self.unspoken == []

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024**2)
        app.router.add_route("*", "/rest/v1/{table}", self._answer)
        app.router.add_route("*", "/{elsewhere:.*}", self._elsewhere)
        return app

    async def _elsewhere(self, request: web.Request) -> web.Response:
        self.unspoken.append(f"{request.method} {request.path}")
        return web.Response(status=404)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            payload = _payload(request, body)
            self.log.append(
                Asking(
                    method=request.method,
                    table=request.match_info["table"],
                    query=dict(request.query),
                    rows=len(payload) if isinstance(payload, list) else 0,
                )
            )
            if self.broken is not None:
                return await self._break(request, self.broken)
            self._check_key(request)
            self.before(self.log[-1])
            return self._run(request, payload)
        except Refusal as refusal:
            if isinstance(refusal, Unspoken):
                self.unspoken.append(str(refusal))
            return web.json_response(refusal.body, status=refusal.status)

    async def _break(self, request: web.Request, broken: Broken) -> web.StreamResponse:
        if broken.hangs:
            self.hanging.set()
            await asyncio.Event().wait()
        if broken.cuts and request.transport is not None:
            request.transport.abort()
        return web.Response(status=broken.status, text=broken.body, content_type=broken.kind, headers=broken.headers)

    def _check_key(self, request: web.Request) -> None:
        if "apikey" not in request.headers:
            raise Refusal(401, None, "No API key found in request")
        if request.headers["apikey"] != self.key:
            raise Refusal(401, None, "Invalid API key")
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            raise Refusal(401, "PGRST301", "No suitable key or wrong key type")
        if {request.headers.get(name, "public") for name in ("Accept-Profile", "Content-Profile")} != {"public"}:
            raise Refusal(406, "PGRST106", "Invalid schema")

    def _run(self, request: web.Request, payload: Any) -> web.Response:
        table = request.match_info["table"]
        self.database.table(table)
        prefer = _preferences(request)
        asked = parse(request.query.items())
        if request.method != "GET" and self.readonly:
            raise Refusal(403, "42501", f"permission denied for table {table}")
        match request.method:
            case "GET":
                return self._get(table, asked, prefer)
            case "POST":
                return self._post(table, asked, prefer, payload)
            case "PATCH" if isinstance(payload, dict):
                _check_where(asked, "UPDATE")
                changed = [] if self.empty else self.database.update(table, asked.filters, payload)
                return _changed(changed, asked, prefer)
            case "DELETE":
                _check_where(asked, "DELETE")
                return _changed([] if self.empty else self.database.delete(table, asked.filters), asked, prefer)
        raise Unspoken(f"{request.method} of {type(payload).__name__}")

    def _get(self, table: str, asked: Asked, prefer: set[str]) -> web.Response:
        found = self.database.select(table, asked)
        if self.empty:
            found = []
        size = min(self._max_rows, self._max_rows if asked.limit is None else asked.limit)
        page = found[asked.offset : asked.offset + size]
        total = str(len(found)) if "count=exact" in prefer else "*"
        span = f"{asked.offset}-{asked.offset + len(page) - 1}" if page else "*"
        return web.json_response(_shown(page, asked), headers={"Content-Range": f"{span}/{total}"})

    def _post(self, table: str, asked: Asked, prefer: set[str], payload: Any) -> web.Response:
        if not isinstance(payload, list) or not all(isinstance(row, dict) for row in payload):
            raise Unspoken("inserts of anything but an array of objects")
        if "return=minimal" not in prefer:
            raise Unspoken("inserts that want rows back")
        if any(set(row) != set(asked.columns or row) or set(row) != set(payload[0]) for row in payload):
            # With `columns` PostgREST takes rows of different keys and fills them up with nulls: nobody wants that.
            raise Refusal(400, "PGRST102", "All object keys must match")
        if asked.filters or asked.order or asked.select or asked.limit is not None:
            raise Unspoken("inserts with anything but columns and on_conflict")
        if self.empty:
            raise Refusal(403, "42501", f'new row violates row-level security policy for table "{table}"')
        resolution = next((name.partition("=")[2] for name in prefer if name.startswith("resolution=")), None)
        self._check_conflict(table, asked, resolution)
        _, new = self.database.insert(table, payload, resolution)
        # An upsert that finds every row there already is no creation.
        return web.Response(status=200 if resolution == "merge-duplicates" and not new else 201)

    def _check_conflict(self, table: str, asked: Asked, resolution: str | None) -> None:
        if (asked.on_conflict is None) != (resolution is None):
            raise Unspoken("on_conflict without a resolution, or the other way round")
        if asked.on_conflict is not None and tuple(asked.on_conflict) != self.database.table(table).key:
            message = "there is no unique or exclusion constraint matching the ON CONFLICT specification"
            raise Refusal(400, "42P10", message)


def _tables(ours: bool) -> Any:
    return migrated() if ours else todays()


def _payload(request: web.Request, body: bytes) -> Any:
    if request.method == "GET":
        return None
    if request.method == "DELETE" and body in (b"", b"{}"):
        return None
    if request.content_type != "application/json":
        raise Unspoken(f"bodies of type {request.content_type}")
    try:
        return json.loads(body)
    except ValueError as exc:
        raise Refusal(400, "PGRST102", "Empty or invalid json") from exc


def _preferences(request: web.Request) -> set[str]:
    listed = ",".join(request.headers.getall("Prefer", []))
    found = {name.strip() for name in listed.split(",")} - {""}
    if strange := found - _PREFERENCES.get(request.method, set()):
        raise Unspoken(f"Prefer: {', '.join(sorted(strange))} of {request.method}")
    return found


def _check_where(asked: Asked, statement: str) -> None:
    if asked.order or asked.limit is not None or asked.offset:
        raise Unspoken(f"{statement} with an order or a limit")
    if not asked.filters:
        raise Refusal(400, "21000", f"{statement} requires a WHERE clause")


def _changed(rows: Sequence[Row], asked: Asked, prefer: set[str]) -> web.Response:
    total = str(len(rows)) if "count=exact" in prefer else "*"
    headers = {"Content-Range": f"*/{total}"}
    if "return=representation" in prefer:
        return web.json_response(_shown(rows, asked), headers=headers)
    return web.Response(status=204, headers=headers)


def _shown(rows: Sequence[Row], asked: Asked) -> list[Row]:
    return [{name: shown(row[name]) for name in asked.select or row} for row in rows]
