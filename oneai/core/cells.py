"""The cells of one row, read one by one: a null is the default, a wrong value is the default and a warning."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

Word = TypeVar("Word", bound=StrEnum)

_LARGEST = 2**31 - 1  # of the schema's integer columns
_DIGITS = re.compile(r"[0-9]{1,10}")
_PATH = re.compile(r"/(?!/)[!-~]*")
_FLAGS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWarning:
    """Something wrong in a stored row that was read all the same; `model` is empty where it is about a key."""

    model: str
    field: str
    what: str


# Not frozen: one is made for each of 100,000 rows, and freezing would double its price.
@dataclass(slots=True, kw_only=True)
class Cells:
    """The cells of a row, or of a JSON object in it, with the list that their warnings go to."""

    cells: dict[str, Any]
    warnings: list[RowWarning]
    model: str = ""
    prefix: str = ""
    subject: str = ""
    """Starts each warning's text, where the model does not say whose it is."""
    otherwise: str = "the default stands"

    def warn(self, name: str, what: str) -> None:
        self.warnings.append(RowWarning(model=self.model, field=self.prefix + name, what=self.subject + what))

    def wrong(self, name: str, accepted: str, otherwise: str | None = None) -> None:
        found = shown(self.cells.get(name))
        self.warn(name, f"found {found}, accepted is {accepted}: {otherwise or self.otherwise}")

    def text(self, name: str) -> str:
        value = self.cells.get(name)
        if value is None:
            return ""
        if isinstance(value, str) and _is_sound(value):
            return value.strip()
        self.wrong(name, "a text")
        return ""

    def number(self, name: str, default: int) -> int:
        """A whole number from 1, that may be written as a text."""
        found = self.limit(name)
        return default if found is None else found

    def limit(self, name: str) -> int | None:
        """As `number`, where nothing means no limit."""
        value = self.cells.get(name)
        if value is None:
            return None
        number = _whole(value)
        if number is None or not 1 <= number <= _LARGEST:
            self.wrong(name, f"a whole number from 1 to {_LARGEST}")
            return None
        return number

    def amount(self, name: str) -> float:
        """A number from 0, that may be written as a text."""
        value = self.cells.get(name)
        if value is None:
            return 0.0
        amount = _real(value)
        if amount is None or not (math.isfinite(amount) and amount >= 0):
            self.wrong(name, "a number from 0")
            return 0.0
        return amount

    def flag(self, name: str, default: bool) -> bool:
        value = self.cells.get(name)
        if value is None:
            return default
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        flag = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
        if flag is None:
            self.wrong(name, "true or false")
            return default
        return flag

    def word(self, name: str, kind: type[Word], otherwise: str) -> Word | None:
        value = self.cells.get(name)
        try:
            return kind(value.strip().lower() if isinstance(value, str) else "")
        except ValueError:
            self.wrong(name, ", ".join(kind), otherwise)
            return None

    def address(self, name: str, otherwise: str) -> str | None:
        """An http(s) URL. A wrong one is not shown: it may hold a password."""
        value = self.cells.get(name)
        if isinstance(value, str) and _is_address(value.strip()):
            return value.strip()
        self.warn(name, f"is no http:// or https:// address: {otherwise}")
        return None

    def path(self, name: str) -> str | None:
        """A path on the model's own server, so nothing that a URL's join could take for another host."""
        value = self.cells.get(name)
        if value is None or (isinstance(value, str) and _PATH.fullmatch(value)):
            return value
        self.wrong(name, "a path that starts with one /")
        return None

    def moment(self, name: str) -> float | None:
        """ISO-8601, UTC where it names no zone, as seconds since the epoch."""
        value = self.cells.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (TypeError, ValueError):
            self.wrong(name, "an ISO-8601 time")
            return None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, each once; a wrong one is left out with a warning."""
        value = self.cells.get(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            self.wrong(name, "a list of texts")
            return ()
        good = [text for text in value if isinstance(text, str) and text and text.isprintable()]
        if len(good) < len(value):
            self.warn(name, f"holds {len(value) - len(good)} that are no texts: {self.otherwise}")
        return tuple(dict.fromkeys(good))

    def within(self, name: str) -> "Cells":
        """The cells of a JSON object in this row; none where it is missing or no object."""
        value = self.cells.get(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(name, "an object")
        cells = value if isinstance(value, dict) else {}
        return Cells(cells=cells, warnings=self.warnings, model=self.model, prefix=f"{self.prefix}{name}.")


def shown(value: Any) -> str:
    """A value as a warning may show it: short, and never the inside of a list or an object."""
    if isinstance(value, str):
        return repr(value) if len(value) <= 24 else f"{value[:24]!r}…"
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 2**63 else "a huge number"
    return "a list" if isinstance(value, list | tuple) else "an object"


def _is_sound(text: str) -> bool:
    """False for a lone surrogate, which no JSON answer could carry."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value := value.strip()) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _real(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _is_address(text: str) -> bool:
    if not text.isprintable() or " " in text:
        return False
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
