"""All that the doctor looks at, gathered before anything is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oneai.cli.keys.held import Held
from oneai.cli.models.probe import Probe
from oneai.config import Settings
from oneai.core.registry import Registry
from oneai.store import Finding
from oneai.types import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """ONEAI_HOME as the file system has it; `owner` is None where it is not there."""

    path: Path
    user: int
    owner: int | None = None
    mode: int = 0o700
    free_bytes: int = 0
    readable: bool = True
    key_mode: int | None = None
    """Of local.key; None where there is none."""
    refused_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What the store says; `away` is why it cannot be asked."""

    name: str
    away: str = ""
    findings: Sequence[Finding] = ()
    has_snapshot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the gateway says of itself: nothing where `away` is why it does not answer."""

    url: str
    away: str = ""
    health: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    refused: str = ""
    """Why it does not let our key look at its state."""

    @property
    def models(self) -> Mapping[str, Mapping[str, Any]] | None:
        """How each model stands with it; None where it does not say."""
        found = self.state.get("models") if self.state else None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Times in seconds since the epoch; `registry` is what a gateway with these settings would make of the rows."""

    settings: Settings
    now: float
    version: str
    home: Home
    store: Storage
    running: Running
    registry: Registry
    rows: Mapping[str, Row] = field(default_factory=dict)
    """The rows of `models` by code."""
    keys: Sequence[Held] = ()
    """Those of the store, of the environment, and the local one."""
    probes: Mapping[str, Probe] = field(default_factory=dict)
    """What the server of each active model answered."""
