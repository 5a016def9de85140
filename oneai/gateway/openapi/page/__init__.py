"""The document as one page of HTML: no script, no font and no picture from anywhere, light or dark as the reader's."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from importlib import resources
from typing import Any

from oneai.gateway.openapi.page.article import article, faults
from oneai.gateway.openapi.page.prose import anchor, prose

Document = Mapping[str, Any]


def rendered(document: Document) -> str:
    """The page, whole."""
    info = document["info"]
    title = f"{escape(info['title'])} API"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="icon" href="data:,"><style>{style()}</style></head><body>'
        f'<a class="skip" href="#top">Skip to the text</a><aside>{_contents(document, title)}</aside>'
        f'<main id="top">{_opening(info)}{_groups(document)}{faults(document)}</main></body></html>'
    )


def headers() -> dict[str, str]:
    """What goes with the page: a browser that heeds it loads nothing and runs nothing."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'"
    return {
        "Content-Security-Policy": f"{policy}; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def style() -> str:
    """The style sheet."""
    return resources.files(__name__).joinpath("style.css").read_text()


def _contents(document: Document, title: str) -> str:
    groups = "".join(
        f'<li><a href="#{anchor(tag)}">{escape(tag)}</a><ul>{_entries(operations)}</ul></li>'
        for tag, operations in _grouped(document).items()
    )
    links = f'<ul>{groups}<li><a href="#errors">Errors</a></li></ul>'
    version = escape(document["info"]["version"])
    return (
        f'<p class="brand"><a href="#top">{title}</a><small>{version}</small></p>'
        f'<nav aria-label="Contents" class="wide">{links}</nav>'
        f'<details class="narrow"><summary>Contents</summary><nav aria-label="Contents">{links}</nav></details>'
    )


def _entries(operations: Mapping[tuple[str, str], Any]) -> str:
    return "".join(
        f'<li><a href="#{operation["operationId"]}"><b class="{method}">{method}</b>'
        f"<span>{escape(path)}</span></a></li>"
        for (method, path), operation in operations.items()
    )


def _opening(info: Mapping[str, Any]) -> str:
    texts = [prose(text) for text in info["description"].split("\n\n")]
    return (
        f'<header><h1>{escape(info["title"])}</h1><p class="lead">{texts[0]}</p>'
        f"{''.join(f'<p>{text}</p>' for text in texts[1:])}"
        "<p>The commands on this page work in a shell that knows where the gateway is, and a key:</p>"
        '<pre tabindex="0">export ONEAI_URL=http://127.0.0.1:3100\nexport ONEAI_API_KEY=…</pre>'
        '<p>The same, for programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p></header>'
    )


def _groups(document: Document) -> str:
    told = {tag["name"]: tag["description"] for tag in document["tags"]}
    return "".join(
        f'<section aria-labelledby="{anchor(tag)}"><h2 id="{anchor(tag)}">{escape(tag)}</h2><p>{prose(told[tag])}</p>'
        + "".join(article(document, method, path, operation) for (method, path), operation in operations.items())
        + "</section>"
        for tag, operations in _grouped(document).items()
    )


def _grouped(document: Document) -> dict[str, dict[tuple[str, str], Any]]:
    """The operations by tag, in the order of the tags."""
    found: dict[str, dict[tuple[str, str], Any]] = {tag["name"]: {} for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[operation["tags"][0]][method, path] = operation
    return found
