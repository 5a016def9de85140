"""Runs SQL in a Postgres through `psql`, the address in its environment: an argument is there for everyone to read."""

import asyncio
import shutil
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from oneai.errors import BadSetting, CannotMigrate
from oneai.logs import redact

TIMEOUT_S = 120.0
_CONNECT_S = "10"
_PARAMETERS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS"}
_LONGEST = 600


async def run(sql: str, url: str) -> None:
    """Apply the SQL, all or nothing. Raises CannotMigrate unless psql says that it did, BadSetting for a bad URL."""
    environment = address(url)
    program = shutil.which("psql")
    if program is None:
        raise CannotMigrate(why="psql, which would apply it, is not on this machine's PATH (postgresql-client)")
    options = ["--no-psqlrc", "--no-password", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-"]
    process = await asyncio.create_subprocess_exec(
        program,
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,  # and nothing of ours: neither a secret nor the PG* of another database
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, said = await process.communicate(sql.encode())
    except TimeoutError as exc:
        process.kill()
        await process.wait()
        raise CannotMigrate(why=f"psql did not end within {TIMEOUT_S:g} s, and was stopped") from exc
    if process.returncode:
        why = _without(redact(" ".join(said.decode(errors="replace").split())), environment.get("PGPASSWORD"))
        raise CannotMigrate(why=f"psql ended with {process.returncode}: {why[:_LONGEST] or 'it said nothing'}")


def address(url: str) -> dict[str, str]:
    """The variables that say to psql what the URL says. Raises BadSetting, which shows nothing of the URL."""
    parts = _parts(url)
    found = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or "postgres"),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.strip("/")) or "postgres",
        "PGCONNECT_TIMEOUT": _CONNECT_S,
        "PGCLIENTENCODING": "UTF8",
    }
    more = {_PARAMETERS[name]: value for name, value in parse_qsl(parts.query) if name in _PARAMETERS}
    return {name: value for name, value in (found | more).items() if value}


def _parts(url: str) -> SplitResult:
    accepted = "postgresql://user:password@host:5432/postgres, special characters of the password as %XX"
    try:
        parts = urlsplit(url)
        if parts.scheme in ("postgres", "postgresql") and parts.hostname and (parts.port is None or parts.port):
            return parts
    except ValueError:
        pass
    raise BadSetting(name="SUPABASE_DB_URL", found="no such address", accepted=accepted)


def _without(text: str, secret: str | None) -> str:
    return text.replace(secret, "…") if secret else text
