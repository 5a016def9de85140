"""What runs in a worker process: one Tesseract, and one page after the other.

What comes back is a value, a refusal too: exceptions with keyword arguments don't survive the way between processes.
"""

import binascii
import os
import signal
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from oneai.types import MAX_PIXELS, MIN_SIDE_PX

if TYPE_CHECKING:
    import tesserocr

_LONGEST_SIDE: Final = 32_767
"""Tesseract's own limit."""
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF")
_UNREADABLE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders are known to raise over damaged files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A page to be read: base64 of the image, and the languages to read it in."""

    base64: str
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands on a page, and how large it was in pixels."""

    text: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an image was not read, in words that follow the field's name."""

    what: str


class _Engine:
    """This process's Tesseract. A process has one, for its whole life: that is what the process is for."""

    api: "tesserocr.PyTessBaseAPI"
    folder: str
    lang: str


def start(folder: str, lang: str) -> None:
    """Get the process ready: called once, before its first page."""
    # A service manager and a terminal signal the whole group: the server decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Tesseract's threads cost more than they gain on one page, and take the other workers' cores.
    os.environ["OMP_THREAD_LIMIT"] = "1"
    import tesserocr

    _Engine.api = tesserocr.PyTessBaseAPI(init=False)
    _Engine.folder = folder
    _load(lang)


def _end_with_parent() -> None:
    """A server that is killed can't end its workers, and they would wait for it for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _load(lang: str) -> None:
    import tesserocr

    # Rows of tables and forms stay whole in this mode; the automatic one takes their columns apart.
    _Engine.api.Init(path=_Engine.folder + "/", lang=lang, psm=tesserocr.PSM.SINGLE_COLUMN)
    _Engine.api.SetVariable("debug_file", os.devnull)
    _Engine.lang = lang


def process_id() -> int:
    """Who works here; asked once, it also says that the process is ready."""
    return os.getpid()


def read(job: Job) -> Page | Refusal:
    """The text of an image; of every page of it, where it is a TIFF."""
    try:
        data = binascii.a2b_base64("".join(job.base64.split()), strict_mode=True)
    except ValueError as exc:
        return Refusal(what=f"it is not valid base64: {exc}")
    if job.lang != _Engine.lang:
        _load(job.lang)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(data)
        except Image.DecompressionBombError:
            return Refusal(what="it has more than 178 million pixels")
        except UnidentifiedImageError:
            return Refusal(what="it is no image that can be read here")
        except _UNREADABLE as exc:
            return Refusal(what=f"it is damaged or cut off ({exc})")


def _read(data: bytes) -> Page | Refusal:
    with Image.open(BytesIO(data), formats=_FORMATS) as image:
        width, height = image.size
        texts = []
        for frame in ImageSequence.Iterator(image) if image.format == "TIFF" else (image,):
            if fault := _unfit(*frame.size):
                return Refusal(what=fault)
            texts.append(_recognise(frame))
    return Page(text="\n\n".join(text for text in texts if text), width=width, height=height)


def _unfit(width: int, height: int) -> str | None:
    size = f"it is {width} × {height} px"
    if min(width, height) < MIN_SIDE_PX:
        return f"{size}, under {MIN_SIDE_PX} px a side"
    if max(width, height) > _LONGEST_SIDE or width * height > MAX_PIXELS:
        return f"{size}, over 178 million pixels or {_LONGEST_SIDE:,} px a side: it is too large"
    return None


def _recognise(image: Image.Image) -> str:
    dpi = image.info.get("dpi", (0, 0))[0]
    api = _Engine.api
    grey = _grey(image)
    api.SetImageBytes(grey.tobytes(), grey.width, grey.height, 1, grey.width)
    if 70 <= dpi <= 2400:
        api.SetSourceResolution(round(dpi))
    try:
        return str(api.GetUTF8Text()).strip()
    finally:
        api.Clear()


def _grey(image: Image.Image) -> Image.Image:
    """Upright, in shades of grey, and on white where it was transparent; no copy where none is needed."""
    # For a JPEG the decoder then leaves the colours out, which saves two thirds of the memory.
    image.draft("L", image.size)
    ImageOps.exif_transpose(image, in_place=True)
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        image = Image.new("RGBA", coloured.size, "white")
        image.alpha_composite(coloured)
    if image.mode[0] in "IF":
        return _shallow(image)
    return image if image.mode == "L" else image.convert("L")


def _shallow(image: Image.Image) -> Image.Image:
    """Deep greys as 8 bits: Pillow's own conversion cuts all above 255 to white."""
    deep = image.convert("F")
    top = deep.getextrema()[1]
    if not isinstance(top, float) or top <= 255:
        return deep.convert("L")
    return deep.point(lambda grey: grey * (255 / top)).convert("L")
