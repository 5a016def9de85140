"""Whether an answer is what the document says of it."""

from typing import Any

import jsonschema_rs


def misfits(document: dict[str, Any], schema: Any, value: Any) -> list[str]:
    """What of a value is not as its schema has it."""
    whole = {"components": document["components"], "allOf": [schema]}
    return [error.message for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]


def told(document: dict[str, Any], path: str, status: int, method: str = "post") -> dict[str, Any]:
    """The response that the document has for this status."""
    found: dict[str, Any] = document["paths"][path][method]["responses"][str(status)]
    if "$ref" in found:
        found = document["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found
