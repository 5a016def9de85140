"""The demo's processes: `oneai` commands in a home of their own, started, waited for and stopped."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from oneai.cli.frame import DONE, WITHOUT_EFFECT
from oneai.config import without_settings
from oneai.errors import DemoFailed

START_S = 30.0
STOP_S = 15.0
COMMAND_S = 120.0


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Children:
    """Nothing of this machine's own settings reaches them, and nothing of them stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = {"ONEAI_HOME": str(folder / "home"), "PORT": str(free_port())}
        self._servers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        for server in reversed(self._servers):
            server.terminate()
        for server in self._servers:
            try:
                server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    def serve(self, port: int, *command: str) -> None:
        """Start a server, and return when it accepts calls. Raises DemoFailed, with its last words."""
        log = self.folder / f"{command[0]}.log"
        with log.open("wb") as sink:
            # A session of its own: Ctrl-C is ours to handle, and we stop them in order.
            server = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
                self._words(*command),
                env=self._environment(),
                cwd=self.folder,
                stderr=sink,
                stdout=sink,
                start_new_session=True,
            )
        self._servers.append(server)
        ends_at = time.monotonic() + START_S
        while not _accepts(port):
            if server.poll() is not None or time.monotonic() > ends_at:
                raise DemoFailed(command=f"oneai {' '.join(command)}", why=_last_words(log))
            time.sleep(0.05)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raises DemoFailed where it neither succeeds nor says that something is degraded."""
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
            self._words(*command),
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode not in (DONE, WITHOUT_EFFECT):
            raise DemoFailed(command=f"oneai {' '.join(command)}", why=done.stderr.strip() or "it says nothing")
        return done

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
