"""Chains drawn as trees, each model with its circuit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oneai.cli.models import drawn
from oneai.cli.models.states import States
from oneai.core.registry import Registry
from oneai.types import Model

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A model at its place in a chain."""

    model: Model
    circuit: str
    starts: str | None
    """The task whose calls start here when they name no model."""


def heads(registry: Registry) -> list[str]:
    """Where chains begin: models that none falls back to, and one of each cycle that nothing leads into."""
    followed = {model.fallback for model in registry.models.values()}
    found = [code for code in registry.models if code not in followed]
    reached = {model.code for head in found for model in walk(registry, head)}
    for code in registry.models:
        if code not in reached:
            found.append(code)
            reached |= {model.code for model in walk(registry, code)}
    return found


def walk(registry: Registry, start: str) -> list[Model]:
    """The models along the fallbacks, inactive ones too, each once."""
    found: dict[str, Model] = {}
    code: str | None = start
    while code is not None and code in registry.models and code not in found:
        found[code] = registry.models[code]
        code = found[code].fallback
    return list(found.values())


def chains(registry: Registry, starts: Iterable[str], states: States) -> list[list[Link]]:
    tasks = {code: domain.value for domain, code in registry.defaults.items()}
    return [
        [
            Link(
                model=model,
                circuit=states.of(model.code).circuit if model.active else "off",
                starts=tasks.get(model.code),
            )
            for model in walk(registry, start)
        ]
        for start in starts
    ]


def document(found: Sequence[Sequence[Link]]) -> list[list[dict[str, Any]]]:
    return [
        [
            {
                "code": link.model.code,
                "name": link.model.name,
                "active": link.model.active,
                "circuit": link.circuit,
                "starts": link.starts,
            }
            for link in chain
        ]
        for chain in found
    ]


def draw(console: "Console", found: Sequence[Sequence[Link]]) -> None:
    """Each chain as a tree; below a model is the one that is tried next."""
    from rich.tree import Tree

    for chain in found:
        branch = tree = Tree(_label(chain[0]), guide_style="dim")
        for link in chain[1:]:
            branch = branch.add(_label(link))
        console.print(tree)
    if not found:
        console.print("No models yet: `oneai models add` registers one.")


def _label(link: Link) -> "Text":
    from rich.text import Text

    parts = [Text(link.model.code, style="bold"), drawn.circuit(link.circuit)]
    parts += [Text(link.model.name or link.model.provider)]
    if link.starts:
        parts.append(Text(f"← {link.starts} calls start here", style="cyan"))
    return Text("  ").join(parts)
