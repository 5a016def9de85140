from pathlib import Path

import pytest

from oneai.store.durable import replace
from tests.store.test_journal_disk import full_disk


def test_the_content_takes_the_file_s_place_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old and longer")
    path.chmod(0o644)
    replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace(path, b"old")
    with full_disk(10), pytest.raises(OSError, match="File too large"):
        replace(path, b"x" * 100)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_beside_it_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_text("what was written of it")
    replace(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
