"""Every curl of the hand-run system that goes to the gateway works as it was written, over the three tables as they
are, with its master.env."""

import json
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.processes import Gateway, House, model, new_key, trail
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer
from tests.fakes.postgrest import Postgrest
from tests.gateway.conftest import Said, page

HEALTH = "curl https://gateway.example.com/health"
MODELS = 'curl -s https://gateway.example.com/models \\\n  -H "X-API-Key: oo-<64 hex digits>"'
SINGLE = 'curl -s https://gateway.example.com/models/op1 \\\n  -H "X-API-Key: YOUR_API_KEY"'
OCR = """curl -X POST https://gateway.example.com/v1/run \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: YOUR_API_KEY" \\
  -d '{
    "task": "ocr",
    "profile": "default",
    "model": "op1",
    "input": {
      "image": "base64-encoded-image"
    }
  }'"""
OCR_REACHABLE = """curl -X POST https://gateway.example.com/v1/run \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: oo-<64 hex digits>" \\
  -d '{
    "task": "ocr",
    "profile": "default",
    "input": {"text": "test"}
  }'"""
N8N = """curl -X POST https://gateway.example.com/v1/run \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: YOUR_API_KEY" \\
  -d '{
  "task": "ocr",
  "profile": "transcript",
  "model": "op1",
  "input": {
    "image": "base64-encoded-image"
  }
}'"""
TEST_OF_A_MODEL = """curl -X POST https://gateway.example.com/v1/run \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: oo-<64 hex digits>" \\
  -d '{
    "task": "<DOMAIN>",
    "model": "<MODEL_CODE>",
    "input": {"text": "test"}
  }'"""
LLM = """curl -X POST https://gateway.example.com/v1/run \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: oo-<64 hex digits>" \\
  -d '{
    "task": "llm",
    "model": "lp1",
    "input": {"messages": [{"role": "user", "content": "Hello!"}]}
  }'"""

OP1 = {
    "code": "op1",
    "name": "DeepSeek-OCR",
    "description": "DeepSeek OCR - Primary",
    "domain": "ocr",
    "role": "primary",
    "provider": "deepseek",
    "active": True,
    "fallback": "op2",
}
FIVE = (
    ("op1", "DeepSeek-OCR", "deepseek", "op2", "DeepSeek OCR - Primary"),
    ("op2", "GOT-OCR-2", "got-ocr", "op3", "General OCR"),
    ("op3", "olmOCR-2-7B", "olmocr", "op4", "Qwen2.5-VL based"),
    ("op4", "PaddleOCR-VL", "paddle", "op5", "Document understanding"),
    ("op5", "MinerU-2.5", "mineru", None, "Fast lightweight"),
)
MASTER_ENV = """
# ───────────────────────────────────────────────────────────────
# SERVER
# ───────────────────────────────────────────────────────────────
PORT={port}
HOST={host}
NODE_ENV=production

# ───────────────────────────────────────────────────────────────
# AUTHENTICATION
# ───────────────────────────────────────────────────────────────
API_KEY_ENABLED=true
API_KEY_HEADER=X-API-Key
API_KEYS={keys}

# ───────────────────────────────────────────────────────────────
# SUPABASE
# ───────────────────────────────────────────────────────────────
SUPABASE_URL={supabase}
SUPABASE_SERVICE_KEY={service_key}

# ───────────────────────────────────────────────────────────────
# MODELS (loaded from Supabase, but can override here)
# ───────────────────────────────────────────────────────────────
MODEL_OP1_ENDPOINT={endpoint}
MODEL_OP1_TIMEOUT=120000
MODEL_OP1_FALLBACK=op2
MODEL_OP1_MAX_TOKENS=8192

MODEL_OP2_ENDPOINT={endpoint}
MODEL_OP2_TIMEOUT=120000
MODEL_OP2_FALLBACK=op3
MODEL_OP2_MAX_TOKENS=8192
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The hand-run system, with its gateway about to be replaced."""

    house: House
    project: Postgrest
    server: ModelServer

    def write_env(self, *, host: str, port: int) -> None:
        """master.env where the gateway starts; its keys are three."""
        del self.house.settings["API_KEYS"]
        text = MASTER_ENV.format(
            host=host,
            port=port,
            keys=",".join([new_key(), self.house.key, new_key()]),
            supabase=self.project.url,
            service_key=self.project.key,
            endpoint=self.server.endpoint,
        )
        (self.house.folder / "master.env").write_text(text)


@pytest.fixture
async def today(house: House) -> AsyncIterator[Today]:
    async with Postgrest(migrated=False) as project, model_server.serving() as server:
        rows = [
            model(code, server.endpoint, fallback, provider=provider, meta={"name": name, "description": told})
            for code, name, provider, fallback, told in FIVE
        ]
        project.database.insert("models", rows, None)
        yield Today(house=house, project=project, server=server)


async def curl(gateway: Gateway, command: str, **placeholders: str) -> Said:
    """What a curl line of the old documentation gets from this gateway."""
    for written, meant in placeholders.items():
        command = command.replace(f"<{written}>", meant)
    for written, meant in (
        ("\\\n", ""),
        ("https://gateway.example.com", ""),
        ("oo-<64 hex digits>", gateway.key),
        ("YOUR_API_KEY", gateway.key),
        ("base64-encoded-image", page()),
    ):
        command = command.replace(written, meant)
    path, method, headers, body = "", "GET", {"Accept": "*/*", "User-Agent": "curl/8.5.0"}, None
    words = iter(shlex.split(command)[1:])
    for word in words:
        match word:
            case "-s":
                continue
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words).encode()
            case _:
                path = word
    return await gateway.send(method, path, headers=headers, data=body)


def the_fields_of(entry: Any, known: dict[str, Any]) -> dict[str, Any]:
    """The entry without what was added since."""
    return {name: entry[name] for name in known}


async def test_health_and_models_have_every_field_that_they_had(today: Today) -> None:
    today.write_env(host="127.0.0.1", port=0)
    async with today.house.serving() as gateway:
        health = await curl(gateway, HEALTH)
        models = (await curl(gateway, MODELS)).json()
        single = (await curl(gateway, SINGLE)).json()
    assert health.status == 200
    told = health.json()
    assert {name: type(told[name]) for name in list(told)[:5]} == {
        "status": str,
        "version": str,
        "uptime_seconds": int,
        "models_registered": int,
        "routes_registered": int,
    }
    assert (told["status"], told["models_registered"], told["routes_registered"]) == ("healthy", 5, 1)
    assert list(models) == ["models"], models
    assert [entry["code"] for entry in models["models"]] == ["op1", "op2", "op3", "op4", "op5"]
    assert the_fields_of(models["models"][0], OP1) == OP1
    assert the_fields_of(single, OP1) == OP1
    assert models["models"][4]["fallback"] is None


async def test_a_page_of_curl_and_of_n8n_is_read_and_leaves_its_row(today: Today) -> None:
    today.write_env(host="127.0.0.1", port=0)
    async with today.house.serving() as gateway:
        plain, n8n = await curl(gateway, OCR), await curl(gateway, N8N)
        reachable = await curl(gateway, OCR_REACHABLE)
        tested = await curl(gateway, TEST_OF_A_MODEL, DOMAIN="ocr", MODEL_CODE="op2")
    for said, profile, asked in ((plain, "default", "op1"), (n8n, "transcript", "op1"), (reachable, "default", None)):
        assert said.status == 200, said.body
        answer = said.json()
        assert {name: answer[name] for name in ("task", "profile", "model", "requested", "provider")} == {
            "task": "ocr",
            "profile": profile,
            "model": "op1",
            "requested": asked,
            "provider": "deepseek",
        }
        assert answer["id"] == said.headers["X-OneAI-Call"]
        assert answer["output"]["text"] == "Hello"
        assert answer["usage"] == {"tokens_in": 12, "tokens_out": 3, "cost_usd": answer["usage"]["cost_usd"]}
        assert [list(made) for made in answer["attempts"]] == [["model", "latency_ms"]]
        assert isinstance(answer["latency_ms"], int)
    assert tested.json()["model"] == "op2"
    asked_image, asked_text = today.server.heard[0].json(), today.server.heard[2].json()
    assert page() in json.dumps(asked_image)
    assert "image_url" not in json.dumps(asked_text)
    rows = list(today.project.database.rows["model_usage_log"].values())
    assert sorted(row["model_code"] for row in rows) == ["op1", "op1", "op1", "op2"]
    assert {row["task"] for row in rows} == {"ocr"}
    assert all(row["success"] for row in rows)


async def test_a_new_model_is_one_command_and_is_called_as_before(today: Today) -> None:
    today.write_env(host="127.0.0.1", port=0)
    house, endpoint = today.house, today.server.endpoint
    words = ["models", "add", "lp1", "--provider", "meta", "--endpoint", endpoint, "--name", "Llama-3.1-70B"]
    async with house.serving() as gateway:
        assert (await curl(gateway, LLM)).status == 404
        added = await house.cli(*words, "--timeout-ms", "180000", "--json", PORT=gateway.url.rpartition(":")[2])
        models = (await curl(gateway, MODELS)).json()["models"]
        said = await curl(gateway, LLM)
        tested = await curl(gateway, TEST_OF_A_MODEL, DOMAIN="llm", MODEL_CODE="lp1")
    assert (added.code, added.json["live"]) == (0, True), added.err
    (shown,) = [one for one in models if one["code"] == "lp1"]
    assert (shown["name"], shown["provider"], shown["fallback"]) == ("Llama-3.1-70B", "meta", None)
    assert said.json()["output"]["text"] == "Hello"
    assert tested.status == 200
    assert trail(said) == ["lp1=ok"]
    assert today.server.heard[0].json()["messages"] == [{"role": "user", "content": "Hello!"}]


async def test_a_call_without_a_key_or_with_another_is_refused(today: Today) -> None:
    today.write_env(host="127.0.0.1", port=0)
    async with today.house.serving() as gateway:
        without = await gateway.send("POST", "/v1/run", data=b"{}")
        wrong = await gateway.get("/models", key=new_key())
    assert (without.status, without.error["code"]) == (401, "missing_api_key")
    assert (wrong.status, wrong.error["code"]) == (401, "invalid_api_key")
    assert "WWW-Authenticate" in without.headers


async def test_todays_master_env_is_accepted_to_the_letter(today: Today) -> None:
    today.write_env(host="0.0.0.0", port=3100)
    listed = await today.house.cli("models", "list", "--json")
    assert listed.code == 0, listed.err
    assert [one["code"] for one in listed.json["models"]] == ["op1", "op2", "op3", "op4", "op5"]
