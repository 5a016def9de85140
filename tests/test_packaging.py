"""What is shipped and how it is installed: the locks, the wheel, the image's recipe, the entry of CI."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import oneai

ROOT = Path(__file__).parents[1]
LOCKS = ("build", "dev", "lock", "ocr", "real", "run")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _asked(lock: str) -> list[str]:
    project = PROJECT["project"]
    run: list[str] = project["dependencies"]
    ocr = run + project["optional-dependencies"]["ocr"]
    build: list[str] = PROJECT["build-system"]["requires"]
    dev = ocr + build + PROJECT["dependency-groups"]["dev"]
    real: list[str] = PROJECT["dependency-groups"]["real"]
    asked: dict[str, list[str]] = {"build": build, "dev": dev, "lock": ["uv"], "ocr": ocr, "real": real, "run": run}
    return asked[lock]


def _entries(lock: str) -> list[str]:
    """Each requirement of a lock as one line, with its hashes."""
    text = re.sub(r"#.*", "", (ROOT / f"requirements/{lock}.txt").read_text())
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def _pins(lock: str) -> dict[str, Requirement]:
    pins = [Requirement(entry.partition("--hash")[0]) for entry in _entries(lock)]
    return {canonicalize_name(pin.name): pin for pin in pins}


def _version(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "==", f"{pin} is not pinned"
    return specifier.version


def _continued(name: str) -> str:
    """A file's text with its continued lines joined."""
    return (ROOT / name).read_text().replace("\\\n", " ")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_has_hashes(lock: str) -> None:
    entries = _entries(lock)

    assert entries
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_is_asked_for_at_a_version_that_fits(lock: str) -> None:
    pins = _pins(lock)

    for requirement in map(Requirement, _asked(lock)):
        pinned = _version(pins[canonicalize_name(requirement.name)])
        assert requirement.specifier.contains(pinned), f"{requirement} is locked at {pinned}: make lock"


@pytest.mark.parametrize("lock", ["build", "ocr", "run"])
def test_the_tests_run_the_versions_that_are_shipped(lock: str) -> None:
    tested = _pins("dev")

    assert {name: str(pin) for name, pin in _pins(lock).items() if str(tested.get(name)) != str(pin)} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_folder(lock: str) -> None:
    assert (
        re.findall(
            r"\S*(?:://|--(?:extra-)?index|--find-links|/home/|/tmp/)\S*", _continued(f"requirements/{lock}.txt")
        )
        == []
    )


def test_the_wheel_holds_every_file_of_the_package_under_its_version(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)

    (wheel,) = tmp_path.glob("*.whl")
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "oneai").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("oneai/")}
    assert wheel.name == f"oneai-{oneai.__version__}-py3-none-any.whl"
    assert packed == sources | {"oneai/examples/invoice.png"}  # the demo's page


@pytest.mark.parametrize("recipe", ["Dockerfile", "Makefile"])
def test_nothing_is_installed_without_a_hash_check_but_what_was_built_here(recipe: str) -> None:
    steps = re.split(r"\n|&&", _continued(recipe))
    installs = [step for step in steps if re.search(r"\b(?:pip |PIP_INSTALL\).*)(?:.* )?(?:install|-r|-e)\b", step)]
    installs = [step for step in installs if not step.startswith("PIP_INSTALL =")]

    assert len(installs) >= 3
    for step in installs:
        assert "--require-hashes" in step or "--no-deps" in step, step


def test_the_builder_is_sent_the_files_that_the_image_copies_and_no_others() -> None:
    copied = {
        source.rstrip("/")
        for arguments in re.findall(r"^COPY (?!--from)(.+)$", _continued("Dockerfile"), re.MULTILINE)
        for source in arguments.split()[:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_runs_as_nobody_special_and_is_stopped_by_sigterm() -> None:
    final = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2].splitlines()

    assert {"USER 10001:10001", "STOPSIGNAL SIGTERM", "VOLUME /data", 'ENTRYPOINT ["oneai"]'} <= set(final)


def test_compose_publishes_the_gateway_alone_and_confines_both() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    _, gateway, ocr = re.split(r"^  (?:gateway|ocr):$", text.partition("\nnetworks:")[0], flags=re.MULTILINE)

    assert "ports:" in gateway
    assert "ports:" not in ocr
    for service in (gateway, ocr):
        assert "<<: *confined" in service
        assert "mem_limit:" in service
    for key in ("read_only: true", "cap_drop:\n    - ALL", "no-new-privileges:true", "init: true"):
        assert key in text.partition("\nservices:")[0]
    assert not re.search(r"^version:", text, re.MULTILINE)


def test_compose_lets_the_gateway_listen_whatever_master_env_says() -> None:
    gateway = (ROOT / "docker-compose.yml").read_text().partition("  gateway:")[2].partition("\n  ocr:")[0]

    assert "env_file: master.env" in gateway
    assert "HOST: 0.0.0.0" in gateway.partition("environment:")[2]


def test_ci_can_be_executed_and_runs_the_tests_and_the_demo() -> None:
    script = ROOT / ".ci/run"
    lines = script.read_text().splitlines()

    assert os.access(script, os.X_OK)
    assert {"set -euo pipefail", "make test", "make test-real", "make demo ARGS=--once"} <= set(lines)


def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    (targets,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^  make ([\w-]+)", shown, re.MULTILINE) == targets.split()


def test_the_changelog_has_a_place_for_what_is_unreleased() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
