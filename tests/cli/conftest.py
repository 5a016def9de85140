"""Commands run in this process, against a real SQLite store and a gateway on loopback that does as it is told."""

import io
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from oneai.cli import entry

OPENED = ("ONEAI_", "MODEL_", "SUPABASE_", "API_KEY", "ADMIN_API_KEYS", "NO_COLOR", "FORCE_COLOR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; json refuses a second."""
        return json.loads(self.out)


@dataclass(slots=True, kw_only=True)
class Answering:
    """A server on loopback: `answers` by method and path, 404 elsewhere; `asked` is what came."""

    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def bodies(self, what: str) -> list[Any]:
        return [body for asked, _headers, body in self.asked if asked == what]


Cli = Callable[..., Ended]


@pytest.fixture
def refusing() -> Iterator[str]:
    """The URL of a port that is bound and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def cli(
    home: Path,
    tmp_path: Path,
    refusing: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """Runs `oneai WORDS`; `stdin` is text that is piped in, `width` the columns."""
    import os

    for name in [name for name in os.environ if name.startswith(OPENED)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ONEAI_HOME", str(home))
    monkeypatch.setenv("ONEAI_URL", refusing)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, stdin: str = "", width: int = 160) -> Ended:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys, "argv", ["oneai", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        code = entry.run(words)
        captured = capsys.readouterr()
        return Ended(code=code, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def server() -> Iterator[Answering]:
    """An HTTP server in a thread."""
    told = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: a test looks at `asked`."""

        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            what = f"{self.command} {self.path}"
            told.asked.append((what, dict(self.headers.items()), json.loads(raw) if raw else None))
            missing = {"error": {"message": "nothing there", "code": "path_not_found", "param": None}}
            status, answer = told.answers.get(what, (404, missing))
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        told.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield told
        http.shutdown()
        thread.join()


@pytest.fixture
def gateway(server: Answering, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """A gateway that takes every reload and knows no model; the command line is pointed at it."""
    monkeypatch.setenv("ONEAI_URL", server.url)
    server.answers["POST /admin/reload"] = (200, {"reloaded": True, "why": ""})
    server.answers["GET /models?all=true"] = (200, {"models": []})
    return server


@pytest.fixture
def chain(cli: Cli) -> Cli:
    """The same command line, with the five OCR models of the example registered."""
    example = Path(__file__).parents[2] / "examples" / "ocr-chain.json"
    assert cli("models", "import", str(example)).code == 0
    return cli
