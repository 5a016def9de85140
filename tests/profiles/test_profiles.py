from pathlib import Path

import pytest

from oneai import profiles
from oneai.errors import BadSetting, UnknownProfile
from oneai.types import Domain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for task in Domain:
        (tmp_path / f"{task.value}.toml").write_text("[default]\n")
    return tmp_path


def test_every_task_has_a_default_profile() -> None:
    loaded = profiles.load()
    assert [task for task in Domain if "default" not in loaded.names(task)] == []


def test_ocr_has_default_and_transcript_with_prompts_of_their_own() -> None:
    loaded = profiles.load()
    assert loaded.names(Domain.OCR) == ("default", "transcript")
    default, transcript = (loaded.get(Domain.OCR, name, "any") for name in loaded.names(Domain.OCR))
    assert default.prompt is not None
    assert "Markdown" in default.prompt
    assert transcript.prompt is not None
    assert "Plain text" in transcript.prompt


@pytest.mark.parametrize(
    ("task", "gate"),
    [
        (Domain.OCR, {"empty", "abort"}),
        (Domain.LLM, {"abort"}),
        (Domain.VISION, {"abort"}),
        (Domain.TOOLS, {"abort"}),
        (Domain.EMBED, set()),
        (Domain.RERANK, set()),
    ],
)
def test_the_gates_of_each_task_are_those_of_the_design(task: Domain, gate: set[str]) -> None:
    loaded = profiles.load()
    assert [name for name in loaded.names(task) if set(loaded.get(task, name, "any").gate) != gate] == []


def test_an_unknown_profile_is_refused_with_those_of_its_task() -> None:
    with pytest.raises(UnknownProfile, match=r"Task ocr has no profile fancy: it has default, transcript\.") as raised:
        profiles.load().get(Domain.OCR, "fancy", "any")
    assert raised.value.param == "profile"


def test_a_profile_of_another_task_is_unknown() -> None:
    with pytest.raises(UnknownProfile, match="it has default"):
        profiles.load().get(Domain.LLM, "transcript", "any")


def test_a_provider_overrides_key_by_key_and_params_one_by_one(folder: Path) -> None:
    (folder / "ocr.toml").write_text(
        """
        [default]
        prompt = "Read."
        order = "image_text"
        gate = ["empty"]
        params = {temperature = 0.0, top_p = 0.9}
        [default.provider.Acme]
        order = "text_image"
        params = {temperature = 0.1}
        [default.provider.mute]
        prompt = ""
        gate = []
        """
    )
    loaded = profiles.load(folder)
    acme, mute, other = (loaded.get(Domain.OCR, "default", provider) for provider in ("ACME", "mute", "other"))
    assert (acme.prompt, acme.order, acme.gate) == ("Read.", "text_image", ("empty",))
    assert dict(acme.params) == {"temperature": 0.1, "top_p": 0.9}
    assert (mute.prompt, mute.order, mute.gate) == (None, "image_text", ())
    assert (other.prompt, other.order, dict(other.params)) == (
        "Read.",
        "image_text",
        {"temperature": 0.0, "top_p": 0.9},
    )


def test_a_profile_is_the_same_object_each_time() -> None:
    loaded = profiles.load()
    assert loaded.get(Domain.OCR, "default", "tesseract") is loaded.get(Domain.OCR, "default", "tesseract")


def test_the_params_of_a_profile_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        profiles.load().get(Domain.OCR, "default", "any").params["temperature"] = 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ('[default]\npromt = "x"', "profiles/ocr.toml: default.promt", "'x'"),
        ('[default]\norder = "sideways"', "profiles/ocr.toml: default.order", "'sideways'"),
        ("[default]\ngate = [1]", "profiles/ocr.toml: default.gate.0", "1"),
        ("[default.provider.acme]\nprompt = 3", "profiles/ocr.toml: default.provider.acme.prompt", "3"),
        ("[other]", "profiles/ocr.toml", "other"),
        ("", "profiles/ocr.toml", "no profile"),
        ("[default", "profiles/ocr.toml", "Expected"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(folder: Path, text: str, name: str, found: str) -> None:
    (folder / "ocr.toml").write_text(text)
    with pytest.raises(BadSetting) as raised:
        profiles.load(folder)
    assert raised.value.facts["name"] == name
    assert raised.value.facts["found"].startswith(found)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "vision.toml").unlink()
    with pytest.raises(BadSetting, match=r"profiles/vision\.toml"):
        profiles.load(folder)
