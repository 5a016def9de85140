"""What the embedded OCR server says."""

from oneai.errors.answer import Overloaded
from oneai.errors.request import TooLarge, UnknownModel, UnknownPath
from oneai.errors.root import OneAIError


class OcrMissing(OneAIError):
    """The OCR server needs Tesseract, which is not installed here. Install it: pip install 'oneai[ocr]'"""

    code = "ocr_not_installed"


class OcrWontStart(OneAIError):
    """Tesseract does not start with language {lang} from {folder}: {why}."""

    code = "ocr_wont_start"


class NotServed(UnknownModel):
    """The model `{model}` does not exist. Valid aliases: {accepted}."""

    type = "NotFoundError"


class OcrUnknownPath(UnknownPath):
    """There is nothing at {method} {path}: this OCR server has {accepted}."""


class OcrBodyTooLarge(TooLarge):
    """The body is larger than the {limit_mb} MB that this OCR server takes."""


class OcrQueueFull(Overloaded):
    """The request queue is full: {waiting} pages wait already. Try again in a moment."""

    code = "queue_full"


class PageTimedOut(OneAIError):
    """The page was not read within {seconds:g} s and was given up. Send it smaller, or in parts."""

    code = "page_timeout"


class PageCrashed(OneAIError):
    """The OCR process died of this page, twice. Send the image in another format."""

    code = "page_crashed"
