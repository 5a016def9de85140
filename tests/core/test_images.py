import base64
import binascii
import struct
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from oneai.core.images import inspect
from oneai.errors import BadImage


def drawn(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    image = Pillow.linear_gradient("L").resize(size).convert("RGB")
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def fault(text: str) -> str:
    with pytest.raises(BadImage) as caught:
        inspect("input.image", text)
    assert caught.value.param == "input.image"
    return caught.value.message


def vp8x() -> bytes:
    transparent = Pillow.new("RGBA", (64, 48), (1, 2, 3, 128))
    out = BytesIO()
    transparent.save(out, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    assert out.getvalue()[12:16] == b"VP8X"
    return out.getvalue()


def big_endian_tiff() -> bytes:
    entries = [(256, 3, 1, 64 << 16), (257, 3, 1, 48 << 16), (273, 4, 1, 8), (279, 4, 1, 64)]
    table = b"".join(struct.pack(">HHII", *entry) for entry in entries)
    return b"MM\0*" + struct.pack(">I", 72) + bytes(64) + struct.pack(">H", len(entries)) + table + bytes(4)


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        ("image/png", drawn("PNG")),
        ("image/jpeg", drawn("JPEG")),
        ("image/jpeg", drawn("JPEG", progressive=True)),
        ("image/webp", drawn("WEBP")),
        ("image/webp", drawn("WEBP", lossless=True)),
        ("image/webp", vp8x()),
        ("image/tiff", drawn("TIFF")),
        ("image/tiff", drawn("TIFF", compression="tiff_lzw")),
        ("image/tiff", big_endian_tiff()),
    ],
    ids=["png", "jpeg", "progressive", "vp8", "vp8l", "vp8x", "tiff", "tiff-lzw", "tiff-big-endian"],
)
def test_kind_and_size_are_read_from_the_bytes(mime: str, data: bytes) -> None:
    image = inspect("f", b64(data))
    assert (image.mime, image.width, image.height) == (mime, 64, 48)


def test_a_clean_text_is_kept_as_the_same_object() -> None:
    text = b64(drawn("PNG"))
    assert inspect("f", text).base64 is text


def test_the_bytes_overrule_the_uri() -> None:
    text = b64(drawn("JPEG"))
    image = inspect("f", f"Data:image/png;name=x;Base64,{text}")
    assert (image.mime, image.base64) == ("image/jpeg", text)


def test_line_breaks_and_blanks_are_taken_out() -> None:
    data = drawn("PNG")
    broken = " \n" + base64.encodebytes(data).decode().replace("\n", "\r\n\t ")
    assert inspect("f", broken).base64 == b64(data)


def test_the_url_safe_alphabet_is_translated() -> None:
    data = drawn("PNG") + b"\xfb\xff\xbf" * 2
    text = base64.urlsafe_b64encode(data).decode()
    assert "-" in text
    assert "_" in text
    assert inspect("f", text).base64 == b64(data)


def test_the_first_page_of_several_gives_the_size() -> None:
    pages = [Pillow.new("L", (80, 60), 255), Pillow.new("L", (300, 200), 0)]
    out = BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    image = inspect("f", b64(out.getvalue()))
    assert (image.width, image.height) == (80, 60)


def test_a_jpegs_size_is_found_behind_large_profiles() -> None:
    data = drawn("JPEG", icc_profile=bytes(600_000))
    assert data.index(b"\xff\xc0") > 500_000
    assert inspect("f", b64(data)).width == 64


def test_a_jpegs_thumbnail_is_not_taken_for_its_end() -> None:
    thumbnail = b"Exif\0\0" + drawn("JPEG", (32, 32))
    data = drawn("JPEG", exif=thumbnail)
    assert inspect("f", b64(data)).width == 64
    assert "truncated JPEG" in fault(b64(data[:-40]))


@pytest.mark.parametrize("padding", [b"\0" * 100, b"\0" * 500_000, b"\r\n"], ids=["little", "much", "newline"])
def test_bytes_after_a_jpegs_end_are_tolerated(padding: bytes) -> None:
    assert inspect("f", b64(drawn("JPEG") + padding)).height == 48


@pytest.mark.parametrize("begin", range(12))
def test_an_end_marker_is_found_wherever_a_reading_window_cuts(begin: int) -> None:
    data = drawn("JPEG") + bytes(65_530 + begin)
    assert inspect("f", b64(data)).height == 48


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_named_as_such(kind: str, share: float) -> None:
    data = drawn(kind, (640, 480))
    said = fault(b64(data[: int(len(data) * share)]))
    assert f"a truncated {'WebP' if kind == 'WEBP' else kind}" in said


def test_a_tiff_whose_directory_was_cut_away_is_truncated() -> None:
    assert "a truncated TIFF" in fault(b64(big_endian_tiff()[:60]))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b"<svg xmlns=", "an SVG"),
        (drawn("GIF"), "a GIF"),
        (drawn("BMP"), "a BMP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "an AVIF"),
        (b"PK\x03\x04rest", "a ZIP"),
        (base64.b64encode(drawn("PNG")), "encoded twice"),
        (base64.b64encode(drawn("JPEG")), "encoded twice"),
        (b"\x01\x02\x03\x04", "01 02 03 04"),
    ],
)
def test_what_is_no_such_image_is_named_for_what_it_is(data: bytes, name: str) -> None:
    assert name in fault(b64(data))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("data:image/png;base64,", "empty"),
        ("data:image/png,abc", "not marked ;base64"),
        ("data:image/png;base64", "without a comma"),
        ("iVBORw0K{{x}}", "character 9 of its base64 is '{'"),
        ("iVBORw0Kü", "character 9 of its base64 is '\\xfc'"),
        ("\ud800", "character 1 of its base64"),
        ("iVBORw0", "padding"),
        ("iVBORw0===", "padding"),
        ("iVBO=", "padding"),
        ("iVB=Rw0K", "goes on after its padding at character 4"),
    ],
)
def test_a_text_that_is_not_base64_is_refused_with_its_place(text: str, what: str) -> None:
    assert what in fault(text)


def png_of(width: int, height: int) -> str:
    """A PNG whose header claims this size: nobody needs to hold the pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b64(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


@pytest.mark.parametrize("size", [(28, 28), (28, 5000), (178_956_970 // 28, 28)])
def test_a_side_of_28_px_is_enough(size: tuple[int, int]) -> None:
    assert inspect("f", png_of(*size)).width == size[0]


def test_a_side_of_27_px_is_too_little() -> None:
    assert "it is 900 × 27 px, under 28 px a side" in fault(png_of(900, 27))


def test_more_than_178_million_pixels_are_refused() -> None:
    assert "over 178 million pixels" in fault(png_of(13_378, 13_378))
    assert inspect("f", png_of(13_377, 13_377)).height == 13_377


def test_a_jpeg_of_a_million_empty_segments_is_given_up_soon() -> None:
    read = 0

    class Counted(str):
        def __getitem__(self, key: object) -> str:
            nonlocal read
            read += 1
            return str.__getitem__(self, key)  # type: ignore[index]

    with pytest.raises(BadImage, match="says no size"):
        inspect("f", Counted(b64(b"\xff\xd8" + b"\xff\xe0\0\x02" * 1_000_000)))
    assert read < 5_000


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 100}), ("WEBP", {"lossless": True}), ("TIFF", {})]
)
def test_only_a_little_of_a_large_image_is_decoded(
    kind: str, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = 0
    decode = binascii.a2b_base64

    def counting(text: str) -> bytes:
        nonlocal decoded
        decoded += len(text)
        return decode(text)

    out = BytesIO()
    Pillow.effect_noise((1500, 1200), 90).save(out, kind, **options)
    text = b64(out.getvalue())
    assert len(text) > 1_000_000
    monkeypatch.setattr(binascii, "a2b_base64", counting)
    assert inspect("f", text).width == 1500
    assert decoded < 100_000


@given(st.text())
def test_no_text_raises_anything_but_bad_image(text: str) -> None:
    with pytest.raises(BadImage):
        inspect("f", text)


HEADS = [drawn(kind)[:200] for kind in ("PNG", "JPEG", "WEBP", "TIFF")] + [
    big_endian_tiff(),
    b"II*\0",
    b"\xff\xd8\xff",
    b"",
]


@given(st.sampled_from(HEADS), st.integers(0, 200), st.binary(max_size=200), st.sampled_from(["", "data:;base64,"]))
def test_no_damaged_file_raises_anything_but_bad_image(head: bytes, kept: int, rest: bytes, prefix: str) -> None:
    with suppress(BadImage):
        assert inspect("f", prefix + b64(head[:kept] + rest)).width >= 28
