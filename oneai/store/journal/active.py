"""The segment that is being written: one write(2) a line, and no torn line left behind."""

import errno
import os
from pathlib import Path


class Active:
    """An append-only file that is cut back to its last good length when a write fails."""

    def __init__(self, path: Path) -> None:
        """Make the file, which must be new. Raises OSError."""
        self.path = path
        self.length = 0
        self.rows = 0
        self._torn = False
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def append(self, line: bytes) -> None:
        """Write the line whole or not at all. Raises OSError when the disk takes less than all of it."""
        if self._torn:
            self._cut_back()
        self._torn = True
        written = os.write(self._file, line)
        if written != len(line):
            self._cut_back()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False
        self.length += written

    def duplicate(self) -> int:
        """The file once more, for a thread that may outlive ours. Raises OSError."""
        return os.dup(self._file)

    def release(self) -> int:
        """Give the open file away, to be synced and closed; nothing can be written any more."""
        # -1 makes a late append fail, where the number of a closed file may by then be another's.
        file, self._file = self._file, -1
        return file

    def discard(self) -> None:
        """Close and delete the file."""
        os.close(self.release())
        self.path.unlink(missing_ok=True)

    def _cut_back(self) -> None:
        os.ftruncate(self._file, self.length)
        self._torn = False
