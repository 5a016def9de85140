"""A JSON Schema as rows to read: each field by its path, with what it may hold."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field."""

    name: str
    kind: str
    required: bool
    says: str


class Shapes:
    """Reads schemas of one document."""

    def __init__(self, shared: Mapping[str, Schema]) -> None:
        self._shared = shared

    def rows(self, schema: Schema, prefix: str = "") -> Iterator[Row]:
        """The fields of an object and, below them, those of the objects in it."""
        if prefix.count(".") >= _DEPTH:
            return
        whole = self._resolved(schema)
        needed = whole.get("required", ())
        for name, field in whole.get("properties", {}).items():
            says = field.get("description") or ""
            yield Row(name=prefix + name, kind=self.bounds(field), required=name in needed, says=says)
            inner, suffix = self._inner(field)
            yield from self.rows(inner, f"{prefix}{name}{suffix}.")

    def kind(self, schema: Schema) -> str:
        """What it may hold, in a few words."""
        if "$ref" in schema:
            schema = self._resolved(schema)
        if "enum" in schema or "const" in schema:
            return " | ".join(f'"{value}"' for value in schema.get("enum", [schema.get("const")]))
        if options := schema.get("anyOf"):
            return " or ".join(dict.fromkeys(self.kind(option) for option in options))
        if schema.get("type") == "array":
            return f"array of {self.kind(schema.get('items', {}))}"
        return str(schema.get("type", "anything"))

    def bounds(self, schema: Schema) -> str:
        """The kind, with its least and most, and what stands for it where it is left out."""
        found = self.kind(schema)
        if "minimum" in schema and "maximum" in schema:
            found += f", {schema['minimum']:,} to {schema['maximum']:,}"
        if schema.get("default") is not None:
            found += f", otherwise {json.dumps(schema['default'])}"
        return found

    def _inner(self, field: Schema) -> tuple[Schema, str]:
        """The object in a field, and how its path goes on."""
        whole = self._resolved(field)
        if whole.get("type") == "array":
            return self._inner(whole.get("items", {}))[0], "[]"
        objects = [option for option in whole.get("anyOf", ()) if "properties" in self._resolved(option)]
        return (objects[0] if objects else whole), ""

    def _resolved(self, schema: Schema) -> Schema:
        name = schema.get("$ref", "").rpartition("/")[2]
        return self._shared[name] if name else schema
