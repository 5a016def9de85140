"""Words as HTML: all of it escaped, and what stands in backticks is code."""

import re
from html import escape

_CODE = re.compile(r"`([^`]+)`")
_NO_WORD = re.compile(r"\W+")


def prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def anchor(name: str) -> str:
    """The id of a heading."""
    return _NO_WORD.sub("-", name.lower()).strip("-")
