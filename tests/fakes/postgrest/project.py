"""A Supabase store over the fake project: as the contract test wants it, and as today's system left it."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from oneai.store import Store, opened
from oneai.store.supabase import connect
from oneai.store.supabase.link import Patience
from tests.fakes.postgrest.server import Postgrest

OCR_MODELS = (
    ("op1", "DeepSeek-OCR", "deepseek", 8000, "op2"),
    ("op2", "GOT-OCR-2", "got-ocr", 8001, "op3"),
    ("op3", "olmOCR-2-7B", "olmocr", 8002, "op4"),
    ("op4", "PaddleOCR-VL", "paddle", 8003, "op5"),
    ("op5", "MinerU-2.5", "mineru", 8004, None),
)


@asynccontextmanager
async def project() -> AsyncIterator[Store]:
    """The store of a migrated project that has no rows yet."""
    async with Postgrest() as server, opened(f"supabase:{server.url}", service_key=server.key) as store:
        yield store


@asynccontextmanager
async def todays(*, migrated: bool) -> AsyncIterator[Postgrest]:
    """A project with today's five OCR models, put there by hand; without our migrations it has three tables only."""
    async with Postgrest(migrated=migrated) as server:
        rows = [
            {
                "model_code": code,
                "domain": "ocr",
                "role": "primary",
                "provider": provider,
                "endpoint": f"http://spark.example:{port}/v1/chat/completions",
                "fallback_model_code": fallback,
                "meta": {"name": name},
            }
            for code, name, provider, port, fallback in OCR_MODELS
        ]
        server.database.insert("models", rows, None)
        yield server


@asynccontextmanager
async def on(
    server: Postgrest, *, patience: Patience | None = None, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Store]:
    """A store on a project, closed in the end."""
    store = await connect(server.url, server.key, patience=patience, clock=clock)
    try:
        yield store
    finally:
        await store.close()
