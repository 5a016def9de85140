"""The worker's functions where they run: in a real worker process, with the real Tesseract."""

import struct
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
import pytest_asyncio
from PIL import Image

from oneai.ocr import traineddata
from oneai.ocr.lane import Lane
from oneai.ocr.worker import Job, Page
from tests.ocr import pages

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lane() -> AsyncIterator[Lane]:
    lane = Lane(traineddata.folder(["eng"]), "eng", 60.0)
    yield lane
    await lane.close()


async def text(lane: Lane, base64: str) -> str:
    found = await lane.read(Job(base64=base64, lang="eng"))
    assert isinstance(found, Page), found
    return found.text


async def refusal(lane: Lane, base64: str) -> str:
    found = await lane.read(Job(base64=base64, lang="eng"))
    assert not isinstance(found, Page)
    return found.what


def transparent() -> Image.Image:
    """Black letters on nothing, where the nothing is black too."""
    letters = Image.new("RGBA", (480, 120), (0, 0, 0, 0))
    letters.putalpha(pages.image().point(lambda grey: 255 - grey))
    return letters


def deep() -> Image.Image:
    """16 bits a pixel."""
    return pages.image().convert("I").point(lambda grey: grey * 200 + 9_000).convert("I;16")


@pytest.mark.parametrize(
    ("drawn", "kind"),
    [
        (pages.image(), "PNG"),
        (pages.image(mode="1"), "PNG"),
        (pages.image(mode="P"), "PNG"),
        (transparent(), "PNG"),
        (deep(), "PNG"),
        (pages.image(mode="RGB"), "JPEG"),
        (pages.image(mode="CMYK"), "JPEG"),
        (pages.image(mode="RGB"), "WEBP"),
        (pages.image(), "TIFF"),
        (deep(), "TIFF"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.mode,
)
async def test_every_kind_of_pixels_is_read(lane: Lane, drawn: Image.Image, kind: str) -> None:
    assert await text(lane, pages.encoded(drawn, kind)) == "Hello 4711"


async def test_a_photo_that_was_taken_sideways_is_turned_upright(lane: Lane) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = pages.image(mode="RGB").transpose(Image.Transpose.ROTATE_90)
    assert await text(lane, pages.encoded(sideways, "JPEG", exif=exif, quality=95)) == "Hello 4711"


async def test_every_page_of_a_tiff_is_read(lane: Lane) -> None:
    more = [pages.image("second page"), pages.image("third page")]
    assert await text(lane, pages.encoded(pages.image("first page"), "TIFF", save_all=True, append_images=more)) == (
        "first page\n\nsecond page\n\nthird page"
    )


async def test_an_empty_page_has_no_text(lane: Lane) -> None:
    assert await text(lane, pages.encoded(Image.new("L", (400, 400), 255))) == ""


async def test_a_page_comes_with_its_size(lane: Lane) -> None:
    found = await lane.read(pages.job())
    assert isinstance(found, Page)
    assert (found.width, found.height) == (480, 120)


async def test_line_breaks_in_base64_do_no_harm(lane: Lane) -> None:
    base64 = pages.encoded(pages.image())
    assert await text(lane, "\r\n".join(base64[at : at + 76] for at in range(0, len(base64), 76))) == "Hello 4711"


def claimed(width: int, height: int) -> str:
    """A PNG whose header claims this size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    head = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    pixels = b"IDAT" + zlib.compress(b"")
    tail = struct.pack(">I", len(pixels) - 4) + pixels + struct.pack(">I", zlib.crc32(pixels))
    return b64encode(b"\x89PNG\r\n\x1a\n" + head + tail).decode()


@pytest.mark.parametrize(
    ("base64", "what"),
    [
        ("§", "not valid base64"),
        ("abc", "not valid base64"),
        (b64encode(b"%PDF-1.7").decode(), "no image that can be read"),
        (pages.encoded(pages.image(), "GIF"), "no image that can be read"),
        (b64encode(BytesIO(b"\x89PNG\r\n\x1a\n").read()).decode(), "no image that can be read"),
        (pages.encoded(pages.image(mode="RGB"), "JPEG")[:1600], "damaged or cut off"),
        (pages.encoded(pages.image())[:1200], "damaged or cut off"),
        (pages.encoded(Image.new("L", (27, 400))), "27 × 400 px, under 28 px a side"),
        (claimed(33_000, 100), "too large"),
        (claimed(20_000, 20_000), "178 million pixels"),
        (claimed(12_000, 12_000), "damaged or cut off"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_reason(lane: Lane, base64: str, what: str) -> None:
    assert what in await refusal(lane, base64)
    assert await text(lane, pages.encoded(pages.image())) == "Hello 4711"


async def test_the_language_may_change_from_page_to_page(lane: Lane) -> None:
    for lang in ("eng", "eng+eng", "eng"):
        found = await lane.read(Job(base64=pages.encoded(pages.image()), lang=lang))
        assert isinstance(found, Page)
        assert found.text == "Hello 4711"
