"""Every key that a gateway with these settings would know: of the store, of the environment, and the local one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oneai.cli import times
from oneai.cli.frame import Desk
from oneai.config import Settings
from oneai.core import keys
from oneai.errors import Conflict, LocalKey, StoreLacks, UnknownKey
from oneai.store import Store, local_key
from oneai.types import Row

_COLUMNS = ("key_hash", "name", "allow", "admin", "expires_at", "max_in_flight", "revoked_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One key, without the key itself."""

    name: str
    hash: str
    source: str
    """`store`, `environment` or `local`."""
    allow: tuple[str, ...] | None = None
    admin: bool = False
    expires_at: str | None = None
    revoked_at: str | None = None
    max_in_flight: int | None = None
    created_at: str | None = None

    @property
    def reach(self) -> str:
        return "all" if self.allow is None else ", ".join(self.allow) or "none"

    def standing(self, now: float) -> str:
        """`live`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        expires = times.read(self.expires_at)
        return "expired" if expires is not None and expires <= now else "live"

    def row(self) -> Row:
        """The row of `api_keys` that holds it; one of the environment gets a row to be revoked by."""
        allow = None if self.allow is None else list(self.allow)
        values = (self.hash, self.name, allow, self.admin, self.expires_at, self.max_in_flight, self.revoked_at)
        return dict(zip(_COLUMNS, values, strict=True))

    def document(self, now: float) -> dict[str, Any]:
        """What --json shows: of the hash only its beginning."""
        return {
            "name": self.name,
            "hash": self.hash[:8],
            "may_call": None if self.allow is None else list(self.allow),
            "admin": self.admin,
            "state": self.standing(now),
            "expires_at": self.expires_at,
            "revoked_at": self.revoked_at,
            "max_in_flight": self.max_in_flight,
            "created_at": self.created_at,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """All of them; `lacks` says why those of the store are missing."""

    held: Sequence[Held]
    lacks: str = ""

    def live(self, name: str) -> Held | None:
        """The key that has this name, or whose hash begins so, and is not revoked."""
        return next((key for key in self.held if not key.revoked_at and _is(key, name)), None)

    def find(self, name: str) -> Held:
        """That one, else the revoked one of that name. Raises UnknownKey."""
        found = self.live(name) or next((key for key in self.held if _is(key, name)), None)
        if found is None:
            raise UnknownKey(name=name)
        return found

    def refuse_taken(self, name: str) -> None:
        """Raises Conflict where a key that is not revoked has this name."""
        if taken := next((key for key in self.held if key.name == name and not key.revoked_at), None):
            from_store = f"`oneai keys rotate {name}` gives it a new secret, `oneai keys revoke {name}` ends it"
            advice = from_store if taken.source == "store" else "take another name"
            raise Conflict(what=f"A key named {name} is there already ({taken.source}): {advice}.")


async def read(desk: Desk, store: Store) -> Keys:
    """A store without the table shows those of the environment."""
    try:
        return Keys(held=of(desk.settings, await store.keys()))
    except StoreLacks as exc:
        return Keys(held=of(desk.settings, []), lacks=exc.message)


def of(settings: Settings, rows: Iterable[Row]) -> list[Held]:
    """Of these rows of `api_keys` and of the settings: live ones first, by name."""
    stored = {str(row.get("key_hash")).strip().lower(): _stored(row) for row in rows}
    listed = [_as_revoked(key, stored.get(key.hash)) for key in _environment(settings)]
    hashes = {key.hash for key in listed}
    every = [*listed, *(key for hash_, key in stored.items() if hash_ not in hashes)]
    return sorted(every, key=lambda key: (key.revoked_at is not None, key.name))


async def to_change(desk: Desk, store: Store) -> Keys:
    """As `read`, for a command that writes. Raises StoreLacks."""
    found = await read(desk, store)
    if found.lacks:
        raise StoreLacks(what="table of API keys")
    return found


def refuse_local(desk: Desk, key: Held) -> None:
    """Raises LocalKey for the one that is a file."""
    if key.source == "local":
        raise LocalKey(path=desk.settings.home / "local.key")


def _is(key: Held, name: str) -> bool:
    return key.name == name or (len(name) >= 8 and key.hash.startswith(name))


def _stored(row: Row) -> Held:
    allow = row.get("allow")
    return Held(
        name=str(row.get("name")),
        hash=str(row.get("key_hash")).strip().lower(),
        source="store",
        allow=tuple(str(entry) for entry in allow) if isinstance(allow, list) else None if allow is None else (),
        admin=bool(row.get("admin")),
        expires_at=row.get("expires_at"),
        revoked_at=row.get("revoked_at"),
        max_in_flight=row.get("max_in_flight"),
        created_at=row.get("created_at"),
    )


def _environment(settings: Settings) -> list[Held]:
    """The keys of the settings and the local one, each once; one listed for both is an admin's."""
    plain = keys.from_environment((key.get_secret_value() for key in settings.api_keys), admin=False)
    admin = keys.from_environment((key.get_secret_value() for key in settings.admin_api_keys), admin=True)
    kept = local_key.read(settings.home)
    local = keys.from_environment([f"local={kept}"], admin=True) if kept else []
    found: dict[str, Held] = {}
    for key, source in [*((key, "environment") for key in (*plain, *admin)), *((key, "local") for key in local)]:
        before = found.get(key.hash)
        one = Held(name=key.name, hash=key.hash, source=source, admin=key.admin)
        found[key.hash] = replace(before, admin=before.admin or key.admin) if before else one
    return list(found.values())


def _as_revoked(key: Held, row: Held | None) -> Held:
    """The environment wins over a row, but for the word that the key is revoked."""
    return replace(key, revoked_at=row.revoked_at) if row else key
