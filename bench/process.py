"""Processes under measurement: pinned to a core, waited for, and asked what they take."""

import os
import resource
import shutil
import socket
import sys
import time
from pathlib import Path

GATEWAY_CORE = 0
LOAD_CORE = 1
_TICKS = os.sysconf("SC_CLK_TCK")


def pinned(core: int, *command: str) -> list[str]:
    """The command, on one core where the machine has more than one."""
    return ["taskset", "-c", str(core), *command] if (os.cpu_count() or 1) > 1 else list(command)


def stay_beside() -> None:
    """Keep this process off the measured core, and let it open thousands of connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CORE})


def oneai() -> str:
    """The command that is installed beside this interpreter."""
    return str(Path(sys.executable).parent / "oneai")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int, within_s: float = 20.0) -> float:
    """Wait until something accepts on the port: the seconds that it took."""
    started = time.monotonic()
    while time.monotonic() - started < within_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return time.monotonic() - started
        time.sleep(0.005)
    raise SystemExit(f"nothing listens on port {port} after {within_s:g} s")


def resident_mb(pid: int) -> float:
    """Resident memory of one process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has gone")


def cpu_s(pid: int) -> float:
    """Seconds of processor time that one process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def require(*tools: str) -> None:
    """Stop with what to install where a tool is missing."""
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        raise SystemExit(
            f"bench needs {', '.join(missing)}: apt-get install wrk nginx-light libnginx-mod-http-echo util-linux"
        )
