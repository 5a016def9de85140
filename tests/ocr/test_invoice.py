"""The sample page, read by the real Tesseract through the real server, against what was drawn."""

import importlib.util
import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.ocr import pages
from tests.ocr.serving import post, serving

PICTURE = pages.EXAMPLES / "invoice.png"


def truth() -> str:
    return (pages.EXAMPLES / "invoice.txt").read_text(encoding="utf-8")


def plain(text: str) -> str:
    """Words with one blank between them: how lines are broken and spaced is no error."""
    return re.sub(r"\s+", " ", text).strip()


def distance(one: str, other: str) -> int:
    """Letters to insert, delete or replace to make one text the other (Levenshtein)."""
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != wanted)))
        before = now
    return before[-1]


def test_distance_counts_letters() -> None:
    assert (distance("kitten", "sitting"), distance("", "abc"), distance("same", "same")) == (3, 3, 0)


@pytest.fixture(scope="module")
def drawing() -> tuple[Image.Image, str]:
    spec = importlib.util.spec_from_file_location("draw_invoice", pages.EXAMPLES / "draw_invoice.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = script.draw()
    return page.image, "\n".join(page.lines) + "\n"


async def test_the_invoice_is_read_in_order_with_few_wrong_letters() -> None:
    async with serving(workers=1) as client:
        answer = await post(client, pages.chat(pages.uri_of(PICTURE), "OCR: "))
    text = plain(answer["choices"][0]["message"]["content"])
    rate = distance(text, plain(truth())) / len(plain(truth()))
    assert rate < 0.02, f"{rate:.2%} of the letters are wrong"
    assert "Invoice number HM-2026-004187" in text
    assert "Total due (EUR) 4,898.04" in text


def test_the_text_beside_the_picture_is_what_the_script_draws(drawing: tuple[Image.Image, str]) -> None:
    assert drawing[1] == truth()


def test_the_picture_is_what_the_script_draws(drawing: tuple[Image.Image, str]) -> None:
    with Image.open(PICTURE) as picture:
        assert (picture.size, picture.mode) == ((2480, 3508), "L")
        # Another FreeType may draw an edge in another grey: no letter may be elsewhere.
        differing = ImageChops.difference(picture, drawing[0]).point(lambda grey: 255 * (grey > 128))
    assert sum(differing.histogram()[1:]) < 2_000


def test_the_picture_is_small_enough_to_ship() -> None:
    assert Path(PICTURE).stat().st_size < 150_000
