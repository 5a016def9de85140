"""The floor: an aiohttp server that passes each call to one upstream, with no key, rule, row or record."""

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import web


async def main(port: int, upstream: int) -> None:
    url = f"http://127.0.0.1:{upstream}/v1/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def through(request: web.Request) -> web.Response:
            body = await request.read()
            async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/run", through)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
