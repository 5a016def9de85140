"""The doctor on this machine: settings, and the folder that everything is kept in."""

from collections.abc import Iterator

from oneai.cli.doctor.facts import Facts, Home
from oneai.cli.doctor.remark import Remark, ok, problem, warning

_LOOPBACK = ("127.", "::1", "localhost")
_LEAST_FREE = 1 << 30
_GONE = 100 << 20


def settings(facts: Facts) -> Iterator[Remark]:
    """Whether they load is known by then: a wrong value has ended the command."""
    own = facts.settings
    yield ok("settings", f"read from {own.env_file or 'the environment'}")
    if own.unknown:
        what = f"{', '.join(own.unknown)}: no such setting, so that it has no effect"
        yield warning("settings", what, "look the name up in master.env.example, and mend or delete the line")
    if not own.api_key_enabled and not own.host.startswith(_LOOPBACK):
        what = f"API_KEY_ENABLED is false and HOST is {own.host}: whoever reaches the port may call every model"
        yield problem("settings", what, "set API_KEY_ENABLED=true, or HOST=127.0.0.1, and restart the gateway")
    if own.retention_days == 0:
        what = "ONEAI_RETENTION_DAYS is 0: usage rows are kept for ever, and the store only grows"
        yield warning("settings", what, "set ONEAI_RETENTION_DAYS=90 and restart the gateway")
    if own.metrics_public:
        what = "METRICS_PUBLIC is true: everybody who reaches the port reads which models there are, and their load"
        yield warning("settings", what, "set METRICS_PUBLIC=false and give the scraper an admin key")


def home(facts: Facts) -> Iterator[Remark]:
    """Ours, closed to others, and with room."""
    found = facts.home
    if found.owner is None:
        yield ok("home", f"{found.path} is not there yet: `oneai serve` makes it")
    else:
        yield from _folder(found)
    if found.readable and found.free_bytes < _LEAST_FREE:
        say = problem if found.free_bytes < _GONE else warning
        what = f"its disk has {found.free_bytes >> 20:,} MB left: usage rows will have no place to go"
        yield say("home", what, f"free some space beside {found.path}, or set ONEAI_RETENTION_DAYS lower")


def _folder(found: Home) -> Iterator[Remark]:
    if found.owner != found.user:
        what = (
            f"{found.path} belongs to user {found.owner}, and this is user {found.user}: nothing is written from here"
        )
        yield warning("home", what, "docker exec oneai-gateway oneai doctor")
    elif not found.readable:
        yield problem("home", f"{found.path} may not be read and written", f"chmod 700 {found.path}")
    elif found.mode & 0o077:
        what = f"{found.path} is open to others (mode {found.mode:o}), and holds keys' hashes and usage"
        yield warning("home", what, f"chmod 700 {found.path}")
    else:
        yield ok("home", f"{found.path} is ours alone, {found.free_bytes / (1 << 30):,.0f} GB free")
    if found.key_mode is not None and found.key_mode & 0o077:
        what = f"local.key is open to others (mode {found.key_mode:o}), and is an admin's key"
        yield problem("home", what, f"chmod 600 {found.path / 'local.key'}")
