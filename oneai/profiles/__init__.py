"""Named ways of asking: prompts, parameters and gates as data, one TOML file per task, merged per provider at load."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from oneai.errors import BadSetting, UnknownProfile
from oneai.types import Domain

Order = Literal["image_text", "text_image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way of asking one provider for one task."""

    task: Domain
    name: str
    prompt: str | None = None
    """What is said beside an image."""
    system: str | None = None
    order: Order = "image_text"
    params: Mapping[str, Any] = field(default_factory=dict)
    gate: tuple[str, ...] = ()
    """The checks of `core/quality.py` that a whole reply must pass."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Our name of a body's field to this provider's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """Every profile, merged; the provider "" is for those that a profile says nothing about."""

    merged: Mapping[tuple[Domain, str, str], Profile]
    by_task: Mapping[Domain, tuple[str, ...]]

    def get(self, task: Domain, name: str, provider: str) -> Profile:
        """The profile as it is for that provider. Raises UnknownProfile."""
        found = self.merged.get((task, name, provider.lower())) or self.merged.get((task, name, ""))
        if found is None:
            accepted = ", ".join(self.names(task))
            raise UnknownProfile(param="profile", task=task.value, found=name[:64], accepted=accepted)
        return found

    def names(self, task: Domain) -> tuple[str, ...]:
        return self.by_task[task]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    prompt: str | None = None
    system: str | None = None
    order: Order = "image_text"
    params: dict[str, Any] = Field(default_factory=dict)
    gate: list[str] = Field(default_factory=list)
    fields_: dict[str, str] = Field(default_factory=dict, alias="fields")


class _Entry(_Table):
    provider: dict[str, _Table] = Field(default_factory=dict)


_FILE = TypeAdapter(dict[str, _Entry])


def load(folder: Traversable | None = None) -> Profiles:
    """Read every task's file, from the package or from `folder`. Raises BadSetting, which names file and key."""
    merged: dict[tuple[Domain, str, str], Profile] = {}
    by_task: dict[Domain, tuple[str, ...]] = {}
    for task in Domain:
        entries = _read(folder or files(__name__), f"{task.value}.toml")
        by_task[task] = tuple(entries)
        for name, entry in entries.items():
            merged[task, name, ""] = _profile(task, name, entry)
            for provider, override in entry.provider.items():
                merged[task, name, provider.lower()] = _profile(task, name, entry, override)
    return Profiles(merged=MappingProxyType(merged), by_task=MappingProxyType(by_task))


def _read(folder: Traversable, file: str) -> dict[str, _Entry]:
    where = f"profiles/{file}"
    try:
        entries = _FILE.validate_python(tomllib.loads(folder.joinpath(file).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise BadSetting(name=where, found=str(exc), accepted="a readable TOML file") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadSetting(name=f"{where}: {key}", found=repr(first["input"]), accepted=first["msg"]) from exc
    if "default" not in entries:
        raise BadSetting(
            name=where, found=", ".join(entries) or "no profile", accepted="a [default] among the profiles"
        )
    return entries


def _profile(task: Domain, name: str, entry: _Entry, override: _Table | None = None) -> Profile:
    said = override.model_dump(exclude_unset=True) if override else {}
    table = entry.model_dump(exclude={"provider"}) | said
    return Profile(
        task=task,
        name=name,
        prompt=table["prompt"] or None,
        system=table["system"] or None,
        order=table["order"],
        params=MappingProxyType(entry.params | said.get("params", {})),
        gate=tuple(table["gate"]),
        fields=MappingProxyType(table["fields_"]),
    )
