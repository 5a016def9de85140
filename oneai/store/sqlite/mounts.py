"""Network file systems, on which SQLite's locks and shared memory do not hold."""

import re
from pathlib import Path

from oneai.errors import BadSetting

_TABLE = Path("/proc/mounts")
_NETWORK = re.compile(
    r"nfs\d*|cifs|smb\d*|smbfs|9p|afs|ceph|glusterfs|lustre|ncpfs|davfs|ocfs2|gfs2|beegfs"
    r"|fuse\..*(sshfs|rclone|gluster|ceph|s3fs|gcsfuse|davfs|nfs|smb|juicefs|seaweedfs).*"
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def table() -> str:
    """The kernel's mount table; empty where there is none (elsewhere than on Linux)."""
    return _TABLE.read_text(errors="surrogateescape") if _TABLE.exists() else ""


def refuse_network(path: Path, mounted: str) -> None:
    """BadSetting when a path is on a network file system by this mount table (`/proc/mounts`)."""
    place = path.absolute().resolve()
    best, kind = Path("/"), ""
    for line in mounted.splitlines():
        point, found = _entry(line)
        # Of two mounts on one point the later hides the earlier.
        if place.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, found
    if _NETWORK.fullmatch(kind):
        raise BadSetting(
            name="ONEAI_HOME",
            found=f"{path.parent}, on the network file system {best} ({kind})",
            accepted="a folder on a local disk, for SQLite's locks do not hold on a network file system",
        )


def _entry(line: str) -> tuple[Path, str]:
    fields = line.split(" ")
    point = _ESCAPED.sub(lambda code: chr(int(code[1], 8)), fields[1]) if len(fields) > 2 else "/"
    return Path(point), fields[2] if len(fields) > 2 else ""
