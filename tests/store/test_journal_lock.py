import os
import subprocess
import sys
from pathlib import Path

import pytest

from oneai.errors import BadSetting, HomeInUse
from oneai.store.journal import home_lock
from tests.store.test_journal_disk import full_disk

HOLDER = """
import sys
from pathlib import Path
from oneai.store.journal import home_lock

with home_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_gateway_on_one_home_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with home_lock(tmp_path), pytest.raises(HomeInUse, match=f"process {os.getpid()}"), home_lock(tmp_path):
        pass


def test_a_home_is_free_again_when_its_gateway_has_left(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    for _ in range(2):
        with home_lock(home):
            assert (home / "gateway.lock").read_text() == f"{os.getpid()}\n"
        (home / "gateway.lock").write_text("the longer number of an earlier process\n")


def test_a_home_is_free_again_when_its_gateway_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HomeInUse, match=f"process {holder.pid}"), home_lock(tmp_path):
            pass
        holder.kill()
    with home_lock(tmp_path):
        pass


def test_a_home_that_cannot_be_made_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="ONEAI_HOME"), home_lock(tmp_path / "file" / "home"):
        pass


def test_a_home_on_a_full_disk_is_held_all_the_same(tmp_path: Path) -> None:
    with full_disk(0), home_lock(tmp_path), pytest.raises(HomeInUse, match="process unknown"), home_lock(tmp_path):
        pass
