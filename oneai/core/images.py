"""Is this text an image that a model server will take? Judged by its bytes, of which only a few are decoded."""

import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import calcsize, unpack, unpack_from
from typing import Final

from oneai.errors import BadImage
from oneai.types import MAX_PIXELS, MIN_SIDE_PX, Image

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SPACE: Final = b" \t\r\n\v\f"
_FROM_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_TAIL: Final = 65_536
_MOST_SEGMENTS: Final = 1_000
"""Segments of a JPEG's header that are walked: real files have far fewer, hostile ones millions."""

Size = tuple[int, int]
"""Width and height in pixels."""


class _Fault(Exception):
    """What is wrong with the image, in words that follow the field's name."""


@dataclass(frozen=True, slots=True)
class _Bytes:
    """The bytes behind a base64 text, decoded only where they are read."""

    base64: str

    @property
    def size(self) -> int:
        return len(self.base64) // 4 * 3 - self.base64.count("=", -2)

    def read(self, offset: int, count: int) -> bytes:
        """The bytes of this range, fewer where the file ends before it does."""
        window = self.base64[offset // 3 * 4 : (offset + count + 2) // 3 * 4]
        return binascii.a2b_base64(window)[offset % 3 :][:count]

    def numbers(self, layout: str, offset: int) -> tuple[int, ...]:
        """Integers at an offset, by a `struct` layout; a fault where the file ends before them."""
        found = self.read(offset, calcsize(layout))
        if len(found) < calcsize(layout):
            raise _Fault("the file is cut off within its header")
        return unpack(layout, found)

    def last(self, mark: bytes, start: int) -> bool:
        """Whether `mark` occurs at or after `start`, looked for from the end: that is where it should be."""
        end, step = self.size, _TAIL
        while end > start:
            begin = max(start, end - step)
            if mark in self.read(begin, end - begin + len(mark) - 1):
                return True
            end, step = begin, step * 4
        return False


def inspect(field: str, text: str) -> Image:
    """The image in a base64 text or a base64 `data:` URI, named by what its bytes say and not by the URI.

    Line breaks and blanks are taken out, the URL-safe alphabet is translated; a text that needs neither is kept as
    it is. Raises BadImage, which names `field` and the fault, for anything else than a whole PNG, JPEG, WebP or TIFF
    of at least 28 px a side and at most 178,956,970 px.
    """
    try:
        payload = _clean(_payload(text))
        mime, measure = _kind(payload)
        width, height = measure(payload)
        _check_size(width, height)
    except _Fault as fault:
        raise BadImage(field=field, what=str(fault)) from None
    return Image(mime=mime, base64=payload.base64, width=width, height=height)


def _payload(text: str) -> str:
    if text[:1].isspace():
        text = text.lstrip()
    if text[:5].lower() != "data:":
        return text
    comma = text.find(",", 0, 1_024)
    if comma < 0:
        raise _Fault("a data URI without a comma between its head and its data")
    if not text[:comma].lower().rstrip().endswith(";base64"):
        raise _Fault("a data URI whose data is not marked ;base64")
    return text[comma + 1 :]


def _clean(text: str) -> _Bytes:
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError as exc:
        raise _Fault(f"character {exc.start + 1} of its base64 is {text[exc.start]!a}") from None
    strange = raw.translate(None, _ALPHABET)
    if strange.strip(b"="):
        return _clean(_translated(text, raw, strange))
    if not raw:
        raise _Fault("it is empty")
    ended = raw.find(b"=")
    if ended >= 0 and ended + len(strange) < len(raw):
        raise _Fault(f"base64 goes on after its padding at character {ended + 1}: two texts in one?")
    if len(strange) > 2 or len(raw) % 4:
        raise _Fault(
            f"wrong base64 padding: {len(raw) - len(strange)} characters and {len(strange)} of '=', "
            "which is no multiple of 4; the text was cut, or its padding lost"
        )
    return _Bytes(text)


def _translated(text: str, raw: bytes, strange: bytes) -> str:
    foreign = strange.translate(None, _SPACE + b"-_=")
    if foreign:
        at = text.index(chr(foreign[0]))
        raise _Fault(f"character {at + 1} of its base64 is {text[at]!a}")
    return raw.translate(_FROM_URL_SAFE, _SPACE).decode("ascii")


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise _Fault(f"it is {width} × {height} px, under {MIN_SIDE_PX} px a side")
    if width * height > MAX_PIXELS:
        raise _Fault(f"it is {width} × {height} px, over 178 million pixels")


def _kind(file: _Bytes) -> tuple[str, Callable[[_Bytes], Size]]:
    head = file.read(0, 512)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", _png
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", _jpeg
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp", _webp
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "image/tiff", _tiff
    raise _Fault(_other(head))


def _other(head: bytes) -> str:
    begun = head.lstrip(b"\xef\xbb\xbf" + _SPACE).lower()
    for magic, name in (
        (b"%pdf", "a PDF: send its pages as images"),
        (b"<!doctype html", "an HTML page, perhaps the error page of a download"),
        (b"<html", "an HTML page, perhaps the error page of a download"),
        (b"<svg", "an SVG drawing"),
        (b"<?xml", "an XML text"),
        (b"gif8", "a GIF"),
        (b"pk\x03\x04", "a ZIP archive or an Office document"),
        (b"ii+\0", "a BigTIFF"),
        (b"mm\0+", "a BigTIFF"),
        (b"\0\0\0\x0cjp  ", "a JPEG 2000"),
        (b"\xff\x0a", "a JPEG XL"),
        (b"8bps", "a Photoshop file"),
        (b"data:", "a data URI inside base64: it was encoded twice"),
        (b"ivborw0kggo", "base64 inside base64: it was encoded twice"),
        (b"/9j/", "base64 inside base64: it was encoded twice"),
    ):
        if begun.startswith(magic):
            return f"it is {name}"
    if head.startswith(b"BM"):
        return "it is a BMP"
    if head[4:8] == b"ftyp":
        return f"it is {_BRANDS.get(head[8:12], 'an MP4 film or its like')}"
    return f"its bytes begin with {head[:8].hex(' ')}, which is no known image"


_BRANDS: Final = dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1"), "a HEIC photo") | {
    b"avif": "an AVIF image"
}


def _png(file: _Bytes) -> Size:
    length, name, width, height = unpack(">I4sII", file.read(8, 16).ljust(16, b"\0"))
    if (length, name) != (13, b"IHDR"):
        raise _Fault("a PNG without its header")
    if not file.last(b"\0\0\0\0IEND\xaeB`\x82", 24):
        raise _Fault("a truncated PNG: its end chunk is missing")
    return width, height


def _jpeg(file: _Bytes) -> Size:
    for marker, offset in _segments(file):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = file.numbers(">HH", offset + 3)
            if not file.last(b"\xff\xd9", offset):
                raise _Fault("a truncated JPEG: its end marker is missing")
            return width, height
        if marker in (0xD9, 0xDA):
            break
    raise _Fault("a JPEG whose header says no size")


def _segments(file: _Bytes) -> Iterator[tuple[int, int]]:
    """Each segment's marker, and where its length stands."""
    offset = 2
    for _ in range(_MOST_SEGMENTS):
        lead, marker = file.numbers("BB", offset)
        if lead != 0xFF:
            raise _Fault("a damaged JPEG: a segment of its header does not begin where it should")
        if marker == 0xFF:
            offset += 1
            continue
        yield marker, offset + 2
        offset += 2 + file.numbers(">H", offset + 2)[0]


def _webp(file: _Bytes) -> Size:
    if file.numbers("<I", 4)[0] + 8 > file.size:
        raise _Fault("a truncated WebP: the file is shorter than its header says")
    chunk = file.read(12, 4)
    if chunk == b"VP8 " and file.read(23, 3) == b"\x9d\x01\x2a":
        width, height = file.numbers("<HH", 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L" and file.read(20, 1) == b"\x2f":
        bits = file.numbers("<I", 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X":
        low_w, high_w, low_h, high_h = file.numbers("<HBHB", 24)
        return (high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1
    raise _Fault("a WebP whose header says no size")


def _tiff(file: _Bytes) -> Size:
    """The first page's size. Writers put the directory before or behind the pixels: either may be what was cut."""
    order = "<" if file.read(0, 1) == b"I" else ">"
    start = file.numbers(order + "I", 4)[0]
    if start + 2 > file.size:
        raise _Fault("a truncated TIFF: its first page's directory lies behind the end of the file")
    count = file.numbers(order + "H", start)[0]
    table = file.read(start + 2, count * 12 + 4)
    if len(table) < count * 12 + 4:
        raise _Fault("a truncated TIFF: its first page's directory is cut off")
    fields = {
        tag: _last_value(file, order, kind, values, start + 2 + at * 12 + 8)
        for at, (tag, kind, values) in enumerate(_entries(table, order, count))
        if tag in (_WIDTH, _HEIGHT, *_OFFSETS, *_LENGTHS) and kind in (_SHORT, _LONG) and values
    }
    pixels = max((fields.get(o, 0) + fields.get(n, 0) for o, n in zip(_OFFSETS, _LENGTHS, strict=True)))
    if max(pixels, unpack(order + "I", table[-4:])[0]) > file.size:
        raise _Fault("a truncated TIFF: its pixels or its next page lie behind the end of the file")
    return fields.get(_WIDTH, 0), fields.get(_HEIGHT, 0)


_WIDTH: Final = 256
_HEIGHT: Final = 257
_OFFSETS: Final = (273, 324)
"""Where strips and tiles begin, and beside it how long they are."""
_LENGTHS: Final = (279, 325)
_SHORT: Final = 3
_LONG: Final = 4


def _entries(table: bytes, order: str, count: int) -> Iterator[tuple[int, int, int]]:
    return (unpack_from(order + "HHI", table, at * 12) for at in range(count))


def _last_value(file: _Bytes, order: str, kind: int, values: int, at: int) -> int:
    """The last of a field's numbers, which stand in the field itself if they fit into its four bytes."""
    layout, width = (order + "H", 2) if kind == _SHORT else (order + "I", 4)
    if values * width > 4:
        at = file.numbers(order + "I", at)[0]
    number: int = file.numbers(layout, at + (values - 1) * width)[0]
    return number
