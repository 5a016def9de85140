"""The demo's processes: `oneai` commands in a home of their own, started, waited for and stopped."""

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from oneai.cli.demo.signals import Signals
from oneai.cli.frame import DONE, WITHOUT_EFFECT
from oneai.config import without_settings
from oneai.errors import DemoFailed

START_S = 30.0
STOP_S = 15.0
COMMAND_S = 120.0
_Sink = IO[bytes] | int


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Children:
    """Nothing of this machine's own settings reaches them, and nothing of them stays."""

    def __init__(self, folder: Path, signals: Signals) -> None:
        self.folder = folder
        self.settings = {"ONEAI_HOME": str(folder / "home"), "PORT": str(free_port())}
        self._signals = signals
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._signals.pass_over()
        for process in reversed(self._started):
            process.terminate()
        for process in self._started:
            try:
                process.communicate(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def serve(self, port: int, *command: str) -> None:
        """Start a server, and return when it accepts calls. Raises DemoFailed, with its last words."""
        log = self.folder / f"{command[0]}.log"
        with log.open("wb") as sink:
            server = self._start(command, stdout=sink, stderr=sink)
        ends_at = time.monotonic() + START_S
        while not _accepts(port):
            if server.poll() is not None or time.monotonic() > ends_at:
                raise DemoFailed(command=f"oneai {' '.join(command)}", why=_last_words(log))
            time.sleep(0.05)

    def run(self, *command: str) -> tuple[str, str]:
        """What a command prints and says. Raises DemoFailed where it fails; finding something degraded is none."""
        process = self._start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=COMMAND_S)
        except subprocess.TimeoutExpired as exc:
            raise DemoFailed(command=f"oneai {' '.join(command)}", why=f"it did not end in {COMMAND_S:g} s") from exc
        if process.returncode not in (DONE, WITHOUT_EFFECT):
            raise DemoFailed(command=f"oneai {' '.join(command)}", why=err.strip() or "it says nothing")
        return out, err

    def _start(self, command: Sequence[str], *, stdout: _Sink, stderr: _Sink) -> subprocess.Popen[str]:
        with self._signals.held():
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
                self._words(*command),
                env=self._environment(),
                cwd=self.folder,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is ours to handle, and we stop them in order
            )
            self._started.append(process)
        return process

    def _words(self, *command: str) -> list[str]:
        return [sys.executable, "-m", "oneai", *command]

    def _environment(self) -> dict[str, str]:
        return without_settings() | self.settings | {"HOST": "127.0.0.1", "COLUMNS": "100"}


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-600:] or f"nothing within {START_S:g} s"
