"""The document and the page as they are served."""

import asyncio
import base64
import hashlib
import re
import threading
from collections.abc import Sequence

import pytest

from oneai.gateway.app import ROUTES
from oneai.gateway.openapi import published
from oneai.gateway.openapi.document import document
from oneai.gateway.openapi.published import Published
from oneai.gateway.routes import Route
from tests.gateway.conftest import Gate

BOTH = ("/openapi.json", "/docs")


async def test_what_is_served_is_the_document_of_the_table(gate: Gate) -> None:
    said = await gate.get("/openapi.json")
    assert (said.status, said.headers["Content-Type"]) == (200, "application/json")
    assert said.json() == document(ROUTES)


@pytest.mark.parametrize("path", BOTH)
async def test_it_needs_no_key_and_answers_head_too(gate: Gate, path: str) -> None:
    whole, head = await gate.get(path), await gate.get(path, method="HEAD")
    assert (whole.status, head.status, head.body) == (200, 200, b"")
    assert head.headers["Content-Length"] == str(len(whole.body))
    assert head.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
async def test_who_has_it_is_not_sent_it_again(gate: Gate, path: str, known: str) -> None:
    tag = (await gate.get(path)).headers["ETag"]
    said = await gate.get(path, **{"If-None-Match": known.replace("{}", tag)})
    assert (said.status, said.body, said.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("path", BOTH)
async def test_who_has_another_is_sent_it(gate: Gate, path: str) -> None:
    assert (await gate.get(path, **{"If-None-Match": '"0123"'})).status == 200


async def test_the_page_may_load_nothing_and_run_nothing_but_its_own_style(gate: Gate) -> None:
    said = await gate.get("/docs")
    assert said.headers["Content-Type"] == "text/html; charset=utf-8"
    [style] = re.findall(r"<style>(.*?)</style>", said.body.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = said.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy
    assert said.headers["X-Content-Type-Options"] == "nosniff"


async def test_it_is_made_once_off_the_loop_whoever_comes_first(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    made_in: list[threading.Thread] = []

    def counted(routes: Sequence[Route]) -> dict[str, object]:
        made_in.append(threading.current_thread())
        return document(routes)

    monkeypatch.setattr(published, "document", counted)
    pages = Published(lambda: ROUTES)
    await asyncio.gather(*(pages._made() for _ in range(4)))
    assert len(made_in) == 1
    assert made_in[0] is not threading.main_thread()
