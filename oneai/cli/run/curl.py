"""The curl line that does what `oneai run` would: the key by its variable, the image through a pipe."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from oneai.cli.run import files
from oneai.cli.run.body import IMAGE


def line(url: str, body: Mapping[str, Any], headers: Mapping[str, str], file: Path | None) -> str:
    """For a POSIX shell. Raises MissingFile and UnusableFile for a file that is not there."""
    fields = {"Content-Type": "application/json"} | dict(headers)
    named = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in fields.items()]
    # In double quotes, for the shell to put the key in.
    # A stream is shown as it comes: else curl would gather it.
    program = "curl -N -sS" if body.get("stream") else "curl -sS"
    sent = " ".join([program, shlex.quote(f"{url}/v1/run"), *named, '-H "X-API-Key: $ONEAI_API_KEY"'])
    text = orjson.dumps(body).decode()
    if file is None:
        return f"{sent} -d {shlex.quote(text)}"
    files.exists(file)
    before, _, after = text.partition(orjson.dumps(IMAGE).decode().strip('"'))
    # An argument holds 128 KB on Linux, less than a page: so the body goes through a pipe.
    parts = f"printf %s {shlex.quote(before)}; {_base64(file)}; printf %s {shlex.quote(after)}"
    return f"{{ {parts}; }} | {sent} --data-binary @-"


def key_hint(home: Path) -> str:
    """How the shell comes by the key that the line takes from its environment."""
    kept = home / "local.key"
    if kept.is_file():
        return f"It takes the key from the environment: export ONEAI_API_KEY=$(cat {shlex.quote(str(kept))})"
    return "It takes the key from the environment, ONEAI_API_KEY: `oneai keys create NAME` makes one."


def _base64(file: Path) -> str:
    """Without the line breaks that base64 puts in; `-w0` is not known everywhere."""
    source = "" if str(file) == files.STDIN else f" < {shlex.quote(str(file))}"
    return f"base64{source} | tr -d '\\n'"
