"""Runs one command line, and turns every way that it can end into one message and an exit code."""

import errno
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from oneai.errors import BadField, NoRoom, OneAIError, Refused

INTERRUPTED = 130
USAGE = 2
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run(args: Sequence[str]) -> int:
    """The exit code of `oneai ARGS`."""
    _open_what_is_closed()
    _forgive_encodings()
    try:
        code = _guarded(args)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us (head, less) has gone
        _silence_stdout()
        return 0
    except OSError as exc:
        _silence_stdout()
        full = NoRoom(why=exc.strerror or str(exc))
        return _tell(False, full.message, full.code, None, full.exit_code)
    return code


def _silence_stdout() -> None:
    # Python would complain once more when it flushes at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _guarded(args: Sequence[str]) -> int:
    json = "--json" in args
    try:
        return _invoke(args)
    except OneAIError as exc:
        return _tell(json, exc.message, exc.code, exc.param, exc.exit_code, _attempts(exc))
    except typer.TyperException as exc:
        return _misused(json, exc)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as exc:  # the outermost place of the command line
        if isinstance(exc, BrokenPipeError) or getattr(exc, "errno", None) in _NO_ROOM:
            raise
        if strange := [arg for arg in args if not _is_utf8(arg)]:  # a file may be named so, and nothing else
            wrong = BadField(field="command line", found=ascii(strange[0][:80]), accepted="UTF-8")
            return _tell(json, wrong.message, wrong.code, wrong.param, wrong.exit_code)
        _trace()
        what = f"{type(exc).__name__}: {exc}. This is a fault of oneai, please report it"
        return _tell(json, f"{what}; ONEAI_LOG_LEVEL=debug shows where it happened.", "internal_error", None, 1)


def _is_utf8(arg: str) -> bool:
    try:
        arg.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invoke(args: Sequence[str]) -> int:
    from typer.main import get_command

    from oneai.cli import app

    result = get_command(app.build(args)).main(args=list(args), prog_name="oneai", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _attempts(exc: OneAIError) -> list[Any]:
    return list(exc.trail) if isinstance(exc, Refused) else []


def _misused(json: bool, exc: typer.TyperException) -> int:
    context = getattr(exc, "ctx", None)
    if type(exc).__name__ == "NoArgsIsHelpError":  # the help has been shown already
        return USAGE
    see = f" See `{context.command_path} --help`." if context else ""
    parameter = getattr(getattr(exc, "param", None), "name", None)
    said = " ".join(exc.format_message().split()).replace("Value error, ", "")
    stop = "" if said.endswith((".", "?", "!")) else "."
    return _tell(json, said + stop + see, "usage", parameter, exc.exit_code)


def _tell(json: bool, message: str, code: str, param: str | None, exit_code: int, attempts: Sequence[Any] = ()) -> int:
    from oneai.cli.output import plain
    from oneai.logs import redact

    said = redact(plain(message))
    print(f"error: {said}", file=sys.stderr)
    if json:
        import orjson

        error = {"message": said, "code": code, "param": param} | ({"attempts": attempts} if attempts else {})
        print(orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2).decode())
    return exit_code


def _trace() -> None:
    # The logs are set up by then, unless the fault lies before them.
    if logging.getLogger("oneai").isEnabledFor(logging.DEBUG):
        import traceback

        traceback.print_exc()


def _open_what_is_closed() -> None:
    """Python has None for a stream that a service or a shell (`<&-`) has closed: it reads nothing, writes nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - ours until the process ends


def _forgive_encodings() -> None:
    """A terminal that knows no arrow shows a question mark, and the command goes on."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
