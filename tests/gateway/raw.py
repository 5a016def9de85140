"""HTTP by hand, for what no client library would send."""

import asyncio
from contextlib import suppress

from tests.gateway.conftest import Said


async def exchange(port: int, *parts: bytes) -> Said:
    """Send the bytes and read the one response that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
        await writer.drain()
        async with asyncio.timeout(10):
            return await response(reader)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def response(reader: asyncio.StreamReader) -> Said:
    """One response with a Content-Length, or none and the connection's end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    length = headers.get("content-length")
    body = await (reader.read() if length is None else reader.readexactly(int(length)))
    return Said(status=int(head[0].split()[1]), headers=headers, body=body)
