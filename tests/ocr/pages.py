"""Pages to read, and jobs that behave badly in a real worker process."""

import base64
import os
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from oneai.ocr.worker import Job, Page, Refusal

EXAMPLES = Path(__file__).parents[2] / "examples"


def image(text: str = "Hello 4711", mode: str = "L") -> Image.Image:
    """One line of black text on white."""
    drawn = Image.new("L", (480, 120), 255)
    ImageDraw.Draw(drawn).text((30, 30), text, 0, ImageFont.load_default(size=56))
    return drawn.convert(mode)


def encoded(drawn: Image.Image, kind: str = "PNG", **options: Any) -> str:
    """Base64 of the image in this format."""
    out = BytesIO()
    drawn.save(out, kind, **options)
    return base64.b64encode(out.getvalue()).decode()


def job(text: str = "Hello 4711") -> Job:
    return Job(base64=encoded(image(text)), lang="eng")


def chat(url: str | None = None, prompt: str = "", **fields: Any) -> dict[str, Any]:
    """A chat request's body, with the image behind `url` where one is given."""
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}}] if url is not None else []
    content = [*parts, {"type": "text", "text": prompt}]
    return {"model": "tesseract", "messages": [{"role": "user", "content": content}], **fields}


def uri(drawn: Image.Image | None = None) -> str:
    return "data:image/png;base64," + encoded(drawn or image())


def die(job: Job) -> Page | Refusal:
    """Takes its process down, as a fault in a C library does."""
    os._exit(11)


def hang(job: Job) -> Page | Refusal:
    """Never comes back."""
    while True:
        time.sleep(60)


def wait_for_file(job: Job) -> Page | Refusal:
    """Is read once the file that the job names is there."""
    gate = Path(base64.b64decode(job.base64).decode())
    while not gate.exists():
        time.sleep(0.005)
    return Page(text=gate.name, width=100, height=100)


def open_gate(gate: Path) -> None:
    """Let `wait_for_file` go on."""
    gate.touch()


def behind(gate: Path) -> str:
    """The base64 that makes `wait_for_file` wait for this file."""
    return base64.b64encode(str(gate).encode()).decode()


def uri_of(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
