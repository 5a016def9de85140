"""The JSON Schemas of the types that routes name, made by pydantic in one go and shared by name."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

Mode = Literal["validation", "serialization"]


class _Untitled(GenerateJsonSchema):
    """A field's name is its title already."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Schemas:
    """`of` a type is its schema, a reference where it has a name; `shared` is what the references mean.

    What a client may send is `read`; what it gets is `written`, where a field with a default is there all the same.
    """

    def __init__(self, *, read: Iterable[Any], written: Iterable[Any]) -> None:
        types: list[tuple[Any, Mode]] = [(one, "validation") for one in dict.fromkeys(read)]
        types += [(one, "serialization") for one in dict.fromkeys(written)]
        found, rest = TypeAdapter.json_schemas(
            [(at, mode, TypeAdapter(wanted)) for at, (wanted, mode) in enumerate(types)],
            ref_template="#/components/schemas/{model}",
            schema_generator=_Untitled,
        )
        self._found: Mapping[Any, Any] = {types[at][0]: schema for (at, _), schema in found.items()}
        self.shared: dict[str, Any] = rest.get("$defs", {})

    def of(self, wanted: Any) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = self._found[wanted]
        return schema
