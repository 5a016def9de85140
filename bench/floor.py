"""The floor: bare aiohttp that passes a chat through, whole or as it comes, with no key, rule, row or record."""

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import web


async def main(port: int, upstream: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def through(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            async with session.post(upstream, data=body, headers={"Content-Type": "application/json"}) as answer:
                if b'"stream": true' not in body:
                    return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")
                response = web.StreamResponse(status=answer.status, headers={"Content-Type": "text/event-stream"})
                await response.prepare(request)
                async for block in answer.content.iter_any():
                    await response.write(block)
                return response

        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", through)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
