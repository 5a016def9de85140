"""A process that is killed with SIGKILL while it writes as fast as it can."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.test_journal import drained, opened

CHILD = """
import itertools, os, sys
from pathlib import Path
from oneai.store.journal import Journal

journal = Journal.open(Path(sys.argv[1]), max_bytes=1_000_000_000, segment_bytes=20_000)
for n in itertools.count():
    row = {"id": f"{n:08d}", "model_code": "op1", "success": True, "message": "x" * (n % 300)}
    getattr(journal, sys.argv[2])(row)
    if n % 100 == 99:
        journal.seal()
    os.write(1, b"%08d\\n" % n)
"""


def reported(root: Path, method: str, rows: int) -> set[str]:
    """The ids of the rows whose writing had returned in a child that was killed in its course."""
    command = [sys.executable, "-c", CHILD, str(root), method]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        seen = [child.stdout.readline() for _ in range(rows)]
        child.kill()
        seen += child.stdout.readlines()
    assert child.returncode == -9
    return {line.decode().strip() for line in seen if line.endswith(b"\n")}


@pytest.mark.parametrize("rows", [1, 150, 3000])
async def test_kill_9_loses_no_row_whose_append_returned(tmp_path: Path, rows: int) -> None:
    told = reported(tmp_path, "append", rows)
    journal = opened(tmp_path, 1_000_000_000)
    found = [row["id"] for row in await drained(journal)]
    journal.close()
    assert len(told) >= rows
    assert told <= set(found)
    assert len(found) == len(set(found))
    assert journal.state().dropped == 0


async def test_kill_9_turns_every_row_that_was_begun_into_one_that_died(tmp_path: Path) -> None:
    told = reported(tmp_path, "begin", 300)
    journal = opened(tmp_path, 1_000_000_000)
    found = {row["id"]: (row["success"], row["error_class"]) for row in await drained(journal)}
    journal.close()
    assert told <= set(found)
    assert set(found.values()) == {(False, "gateway_died")}
