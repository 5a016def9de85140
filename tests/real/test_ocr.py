"""The embedded OCR server reads the example's page: by /v1/run, by `oneai run`, and by a chat of the openai client."""

from base64 import b64encode

import pytest

from tests.real.processes import ROOT, Client
from tests.real.town import Town

PAGE = ROOT / "examples/invoice.png"
TOLD = (ROOT / "examples/invoice.txt").read_text().split()


def legible(text: str) -> float:
    """Which part of the page's words was read."""
    read = set(text.split())
    return sum(word in read for word in TOLD) / len(TOLD)


async def test_a_run_reads_the_page(here: Town) -> None:
    image = b64encode(PAGE.read_bytes()).decode()

    said = await here.gateway.run({"task": "ocr", "input": {"image": image}})

    assert said.status == 200
    assert said.json()["model"] == "op1"
    assert legible(said.json()["output"]["text"]) > 0.9


async def test_the_command_line_reads_the_page(here: Town) -> None:
    said = await here.house.cli("run", str(PAGE), "--json", ONEAI_API_KEY=here.gateway.key)

    assert said.code == 0, said.err
    assert legible(said.json["output"]["text"]) > 0.9


@pytest.mark.parametrize("model", ["op1", "ocr"])
async def test_a_chat_with_an_image_reads_the_page(model: str, openai: Client) -> None:
    url = f"data:image/png;base64,{b64encode(PAGE.read_bytes()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Read this page."}]

    said = await openai.does("chat", ask={"model": model, "messages": [{"role": "user", "content": parts}]})

    assert said["answer"]["model"] == "op1"
    assert legible(said["answer"]["choices"][0]["message"]["content"]) > 0.9
