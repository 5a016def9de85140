"""Makes a connection to a model server; what asyncio, OpenSSL and the resolver say of it ends here."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Sequence

import aiohappyeyeballs
from aiohappyeyeballs import AddrInfoType

from oneai.core.dialect import Unusable
from oneai.core.outcome import Outcome
from oneai.upstream.connection import Connection
from oneai.upstream.head import Origin

CONNECT_S = 3.0
"""For the name, TCP and TLS together."""
_NEXT_ADDRESS_S = 0.25
"""How long one address of a name has before the next is tried beside it (RFC 8305, 5)."""


def misconfigured() -> Unusable:
    return Unusable(Outcome.MISCONFIGURED, "its endpoint is no usable address, or its credential no usable header")


class Dial:
    """`connected` makes what reads and writes a new connection."""

    def __init__(self, connected: Callable[[Origin], Connection]) -> None:
        self._connected = connected
        self._trust: asyncio.Future[ssl.SSLContext] | None = None

    async def connect(self, origin: Origin) -> Connection:
        """Raises Unusable, which never says the address: unreachable or misconfigured."""
        try:
            async with asyncio.timeout(CONNECT_S):
                return await self._connect(origin)
        except TimeoutError as exc:
            raise _unreachable(_why(exc) if exc.errno else f"no connection within {CONNECT_S:g} s") from exc
        except socket.gaierror as exc:
            raise _unreachable("its host name is not known") from exc
        except ssl.SSLError as exc:
            raise _unreachable("its TLS certificate or handshake failed") from exc
        except OSError as exc:
            raise _unreachable(_why(exc)) from exc
        except RuntimeError as exc:  # uvloop's, where a file descriptor is in use that should be free
            raise _unreachable("no connection") from exc
        except ValueError as exc:  # a host that IDNA cannot encode
            raise misconfigured() from exc

    async def _connect(self, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        context = await self._context() if origin.tls else None
        found = await addresses(origin)
        # uvloop's create_connection tries one address after the other: a dead IPv6 route would take all the time.
        connected = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS_S)
        _, connection = await loop.create_connection(
            lambda: self._connected(origin),
            sock=connected,
            ssl=context,
            server_hostname=origin.host.rstrip(".") if context else None,
        )
        return connection

    async def _context(self) -> ssl.SSLContext:
        """Made when first needed, off the loop: it reads the system's certificates."""
        if self._trust is None:
            self._trust = asyncio.get_running_loop().run_in_executor(None, _trusting_the_system)
        return await asyncio.shield(self._trust)


async def addresses(origin: Origin) -> Sequence[AddrInfoType]:
    """What its name stands for. Raises gaierror; ValueError where IDNA cannot encode it."""
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)


def _trusting_the_system() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unreachable(why: str) -> Unusable:
    return Unusable(Outcome.UNREACHABLE, why)


def _why(exc: OSError) -> str:
    """By its number: the text that asyncio gives it names the address."""
    return os.strerror(exc.errno).lower() if exc.errno else "no connection"
