"""Which handler answers which method and path. A path may hold one `{name}`, which matches anything but a slash,
unless its route says so."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from aiohttp import web

from oneai.errors import MethodNotAllowed, UnknownPath
from oneai.gateway.openapi.doc import Doc
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Surface

Handler = Callable[[Runtime, Visit], Awaitable[web.StreamResponse]]


class Needs(StrEnum):
    """Who may come in."""

    NOTHING = "nothing"
    KEY = "key"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the surface."""

    method: str
    path: str
    handler: Handler
    needs: Needs
    surface: Surface | None = None
    """Of a call: the family of endpoints whose words its clients speak."""
    doc: Doc | None = None
    """What /openapi.json and /docs say of it."""
    slashes: bool = False
    """Whether the name at the end of its path may hold slashes, as those of models do."""


class Routes:
    """Finds by whole path first, then by the paths with a name in them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._plain: dict[str, dict[str, Route]] = {}
        self._named: dict[str, dict[str, Route]] = {}
        for route in routes:
            paths = self._named if "{" in route.path else self._plain
            paths.setdefault(route.path, {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route of a path as it came, and its values decoded. Raises UnknownPath and MethodNotAllowed."""
        params: Mapping[str, str] = {}
        methods = self._plain.get(path)
        if methods is None:
            methods, params = self._match(path)
        if methods is None:
            raise UnknownPath(method=method, path=path)
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodNotAllowed(method=method, path=path, accepted=", ".join(sorted(methods)))
        return route, params

    def _match(self, path: str) -> tuple[dict[str, Route] | None, dict[str, str]]:
        for pattern, methods in self._named.items():
            wanted = pattern.split("/")
            parts = path.split("/", len(wanted) - 1 if any(route.slashes for route in methods.values()) else -1)
            if len(wanted) == len(parts) and all(
                w == p or (w[:1] == "{" and p) for w, p in zip(wanted, parts, strict=True)
            ):
                return methods, {w[1:-1]: unquote(p) for w, p in zip(wanted, parts, strict=True) if w[:1] == "{"}
        return None, {}
