"""`python -m bench.sampled REPORT MODULE ARGUMENT…`: a module that says at its end where its processor time went."""

import os
import runpy
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

EVERY_S = 0.001
"""Of processor time: a quiet process is not sampled."""
SHOWN = 60
_LOOP = "Runner.run"


class Samples:
    """How often each function was at work itself, and how often it was at work or waited for one that it had called."""

    def __init__(self) -> None:
        self._own = Counter[str]()
        self._whole = Counter[str]()
        self._packages = Counter[str]()

    def take(self, _signal: int, frame: FrameType | None) -> None:
        stack = list(_stack(frame))
        if not stack or stack[-1].f_code.co_qualname != _LOOP:
            return  # it is still being started
        self._own[_name(stack[0])] += 1
        self._packages[_package(stack[0])] += 1
        self._whole.update({_name(at) for at in stack})

    def report(self) -> str:
        total = max(1, self._own.total())
        parts = (("package", self._packages), ("function, own time", self._own), ("with what it calls", self._whole))
        return f"{total} samples\n" + "".join(f"\n{title}\n{_listed(counted, total)}" for title, counted in parts)


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """The innermost first, the loop's own last."""
    while frame is not None:
        yield frame
        frame = None if frame.f_code.co_qualname == _LOOP else frame.f_back


def _listed(counted: Counter[str], total: int) -> str:
    return "".join(f"{count / total:7.1%}  {name}\n" for name, count in counted.most_common(SHOWN))


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename.rpartition("site-packages/")[2].removeprefix(f"{os.getcwd()}/")


def _name(frame: FrameType) -> str:
    code = frame.f_code
    if code.co_filename == "<string>" and frame.f_back is not None:
        return f"a dataclass's {code.co_name} in {_name(frame.f_back)}"
    return f"{code.co_qualname} ({'/'.join(_file(frame).split('/')[-2:])}:{code.co_firstlineno})"


def _package(frame: FrameType) -> str:
    parts = _file(frame).split("/")
    return "the rest" if not parts[0] else "/".join(parts[:2])


def _run(report: Path, module: str, *arguments: str) -> None:
    samples = Samples()

    def end() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        report.write_text(samples.report())

    def leave(*_: object) -> None:
        """For a module that has no way out of its own."""
        end()
        os._exit(0)

    signal.signal(signal.SIGPROF, samples.take)
    signal.signal(signal.SIGTERM, leave)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        end()


if __name__ == "__main__":
    _run(Path(sys.argv[1]), *sys.argv[2:])
