"""The document as the tests hold the gateway to it: what it leaves open for the future is closed."""

from copy import deepcopy
from typing import Any

from tests.gateway.openapi.standing import CODES

TASKS = ("ocr", "llm", "vision", "tools", "embed", "rerank")


def strict(document: dict[str, Any]) -> dict[str, Any]:
    """No field that isn't told, no status but the told ones; and names that are really there are asked for, too."""
    found = deepcopy(document)
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
            _narrowed(schema["properties"])
    for methods in found["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("4XX", None)
            _known(operation["parameters"])
    return found


def _narrowed(properties: dict[str, Any]) -> None:
    if properties.get("model", {}).get("description"):
        properties["model"] = {"enum": [*CODES, *TASKS, "lp9"]}
    if properties.get("task", {}).get("description"):
        properties["task"] = {"enum": [*TASKS, "poetry"]}


def _known(parameters: list[dict[str, Any]]) -> None:
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter["schema"] = {"enum": [*CODES, "last", "lp9", "a b"]}
