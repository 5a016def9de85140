import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from oneai.errors import BadSetting, OcrMissing
from oneai.ocr import traineddata


def test_the_packages_own_data_is_found_without_a_variable() -> None:
    assert (traineddata.folder(["eng"], {}) / "eng.traineddata").is_file()


def test_the_variable_overrules_the_package(tmp_path: Path) -> None:
    (tmp_path / "deu.traineddata").touch()
    assert traineddata.folder(["deu"], {"TESSDATA_PREFIX": str(tmp_path)}) == tmp_path


def test_the_variable_may_name_the_parent(tmp_path: Path) -> None:
    (tmp_path / "tessdata").mkdir()
    (tmp_path / "tessdata" / "deu.traineddata").touch()
    assert traineddata.folder(["deu"], {"TESSDATA_PREFIX": str(tmp_path)}) == tmp_path / "tessdata"


def test_a_missing_language_is_named_with_the_folder_and_what_is_there(tmp_path: Path) -> None:
    for name in ("deu", "fra", "osd"):
        (tmp_path / f"{name}.traineddata").touch()
    with pytest.raises(BadSetting) as caught:
        traineddata.folder(["deu", "eng"], {"TESSDATA_PREFIX": str(tmp_path)})
    assert caught.value.message == f"lang: found 'eng'; accepted is a language with data in {tmp_path}: deu, fra."


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="there are none"):
        traineddata.folder(["eng"], {"TESSDATA_PREFIX": str(tmp_path / "gone")})


def test_without_tesseract_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "tesserocr" else real(name, package)

    monkeypatch.setattr(traineddata, "find_spec", without)
    with pytest.raises(OcrMissing, match=r"pip install 'oneai\[ocr\]'"):
        traineddata.folder(["eng"])
