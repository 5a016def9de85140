"""JSON and commands laid out to be read, and to be copied."""

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from oneai.gateway.openapi.doc import JSON

_WIDTH = 46
"""Characters that the narrow column beside the words has room for."""
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')


def coloured(value: Any) -> str:
    """JSON as HTML, its keys and strings marked."""
    return _STRING.sub(_marked, escape(laid_out(value), quote=False))


def laid_out(value: Any, indent: int = 0, taken: int = 0) -> str:
    """JSON in which what is short stays on one line; `taken` is what stands before it there."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent + taken <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, list):
        parts = [pad + laid_out(item, indent + 2) for item in value]
    else:
        named = ((f"{json.dumps(name)}: ", item) for name, item in value.items())
        parts = [pad + name + laid_out(item, indent + 2, len(name)) for name, item in named]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n" + ",\n".join(parts) + f"\n{' ' * indent}{closing}"


def command(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """The curl that asks for it."""
    sent = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")
    parts = [f'curl -s "$ONEAI_URL{_filled(path, operation)}"']
    if method != "get" and sent is None:
        parts[0] = parts[0].replace("curl -s", f"curl -s -X {method.upper()}")
    if operation["security"]:
        parts.append('-H "X-API-Key: $ONEAI_API_KEY"')
    if sent is not None:
        parts.append(f"-H 'Content-Type: {JSON}'")
        parts.append("-d '" + laid_out(sent).replace("'", "'\\''") + "'")
    return " \\\n  ".join(parts)


def _filled(path: str, operation: Mapping[str, Any]) -> str:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    return path


def _marked(found: re.Match[str]) -> str:
    text, colon = found.group(1), found.group(2)
    return f'<i class="key">{text}</i>{colon}' if colon else f'<i class="text">{text}</i>'
