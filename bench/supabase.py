"""The tests' stand-in for a Supabase project, as a process beside the load: `python -m bench.supabase`."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.process import LOAD_CORE, pinned
from tests.fakes.postgrest.server import Postgrest


@contextmanager
def project() -> Iterator[dict[str, str]]:
    """The settings of a gateway whose store it is."""
    command = pinned(LOAD_CORE, sys.executable, "-m", "bench.supabase")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())
        finally:
            server.terminate()


async def main() -> None:
    async with Postgrest() as server:
        print(json.dumps({"SUPABASE_URL": server.url, "SUPABASE_SERVICE_KEY": server.key}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
