"""What the demo does and shows, step by step; every step is a command that anybody can type."""

import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oneai.cli.demo.children import Children, free_port
from oneai.cli.output import Output
from oneai.errors import MissingSample

_SAMPLE = "examples/invoice.png"


@dataclass(slots=True)
class Demo:
    """Tells the story to people as it happens, and gives it whole at the end."""

    children: Children
    out: Output
    _steps: list[dict[str, Any]] = field(default_factory=list)

    def tell(self) -> dict[str, Any]:
        """Every command that was run, and what it printed. Raises DemoFailed."""
        page, dead, ocr = self._page(), free_port(), free_port()
        self._say("An OCR model that needs no GPU, and the gateway")
        self._serve(ocr, "ocr-server", "--port", str(ocr))
        self._serve(int(self.children.settings["PORT"]), "serve")
        self._say("Two models: op1 is a GPU box that is down, os1 is the OCR model")
        self._register("op1", "DeepSeek-OCR", "deepseek", dead)
        self._register("os1", "Tesseract", "tesseract", ocr)
        self._show("models", "fallback", "op1", "os1")
        self._say("A page goes through: op1 does not answer, os1 reads it")
        self._show("run", page)
        self._say("Once more: after its second failure op1's circuit opens, and calls go past it at once")
        self._run("run", page, "--json")
        self._say("Why it went as it did")
        self._show("why", "last")
        self._say("A usage row for every attempt, failed ones too")
        self._show_usage()
        self._say("How the models stand")
        self._show("models", "health")
        self._say("The same with curl")
        self._show("run", page, "--curl")
        return {"gateway": f"http://127.0.0.1:{self.children.settings['PORT']}", "steps": self._steps}

    def _page(self) -> str:
        """The sample where the commands run, under the name that it has in the repository."""
        page = self.children.folder / _SAMPLE
        page.parent.mkdir()
        shutil.copyfile(sample(), page)
        return _SAMPLE

    def _register(self, code: str, name: str, provider: str, port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        self._run("models", "add", code, "--name", name, "--provider", provider, "--endpoint", url)

    def _show_usage(self) -> None:
        """The rows are in the journal already; the store has them a moment later."""
        for _ in range(20):
            told, _ = self.children.run("usage", "--json")
            if '"calls": 4' in told.partition('"total"')[2]:
                break
        self._show("usage")

    def _serve(self, port: int, *command: str) -> None:
        self._command(command)
        self.children.serve(port, *command)
        self._steps.append({"command": ["oneai", *command], "output": ""})

    def _run(self, *command: str) -> str:
        self._command(command)
        printed, said = self.children.run(*command)
        self._steps.append({"command": ["oneai", *command], "output": printed, "words": said})
        return f"{printed.rstrip()}\n{said.rstrip()}".strip("\n")

    def _show(self, *command: str) -> None:
        self._print(self._run(*command))

    def _say(self, text: str) -> None:
        self._print(f"\n# {text}\n")

    def _command(self, command: tuple[str, ...]) -> None:
        self._print(f"$ oneai {shlex.join(command)}")

    def _print(self, text: str) -> None:
        if not self.out.json:
            self.out.say(text)


def sample() -> Path:
    """The page that comes with the package, or with the repository. Raises MissingSample."""
    package = Path(__file__).resolve().parents[2]
    for root in (package, package.parent):
        if (page := root / _SAMPLE).is_file():
            return page
    raise MissingSample(path=_SAMPLE)
