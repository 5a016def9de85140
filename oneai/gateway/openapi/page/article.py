"""One operation as an article: what it does, what it takes, a command that works, and what comes back."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from oneai.gateway.openapi.doc import EVENTS, JSON
from oneai.gateway.openapi.page import sample
from oneai.gateway.openapi.page.prose import prose
from oneai.gateway.openapi.page.shape import Row, Shapes

Operation = Mapping[str, Any]
_PLACES = {"path": "In the path", "query": "Query", "header": "Headers"}


def article(document: Mapping[str, Any], method: str, path: str, operation: Operation) -> str:
    """The article of one operation."""
    shapes = Shapes(document["components"]["schemas"])
    answers = responses(document, operation)
    name = operation["operationId"]
    more = operation.get("description")
    return (
        f'<article id="{name}"><h3><a href="#{name}"><b class="{method}">{method}</b> <code>{escape(path)}</code></a>'
        f"{_key(operation)}</h3><p>{prose(operation['summary'])}</p>{f'<p>{prose(more)}</p>' if more else ''}"
        f'<div class="columns"><div class="told">{_sent(shapes, operation)}{_parameters(shapes, operation)}'
        f"{_got(shapes, answers['200'])}{_failures(answers)}</div>"
        f'<div class="shown">{_examples(sample.command(method, path, operation), answers["200"])}</div></div></article>'
    )


def faults(document: Mapping[str, Any]) -> str:
    """Every error that any operation may end in, once, by status."""
    every = {
        (status, line)
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, response in responses(document, operation).items()
        if status[0] in "45" and status != "4XX"
        for line in response["description"].split("\n")
    }
    rows = "".join(f"<tr><th>{status}</th><td>{prose(line)}</td></tr>" for status, line in sorted(every))
    return (
        '<section aria-labelledby="errors"><h2 id="errors">Errors</h2>'
        "<p>Act on the status and the <code>code</code>; the message is for people. A message says what was wrong and"
        " what to do, and never holds a key, a prompt or a model server’s address. Through Cloudflare’s tunnel, which"
        " puts a page of its own in place of a 502 or 504, these come as 503 with the same code.</p>"
        f'<div class="scrolls" tabindex="0"><table class="faults"><tbody>{rows}</tbody></table></div></section>'
    )


def responses(document: Mapping[str, Any], operation: Operation) -> dict[str, Any]:
    """The responses of an operation, those in full that are shared."""
    shared = document["components"]["responses"]
    return {
        status: shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for status, one in operation["responses"].items()
    }


def _key(operation: Operation) -> str:
    if not operation["security"]:
        return '<span class="who">no key</span>'
    is_admin = "admin" in next(iter(operation["security"][0].values()))
    return '<span class="who admin">admin key</span>' if is_admin else '<span class="who">key</span>'


def _sent(shapes: Shapes, operation: Operation) -> str:
    body = operation.get("requestBody")
    if not body:
        return ""
    schema = body["content"][JSON]["schema"]
    rows = list(shapes.rows(schema))
    title = "Body" if body.get("required") else "Body, if any"
    return f"<h4>{title}</h4>{_rows(rows)}"


def _parameters(shapes: Shapes, operation: Operation) -> str:
    found = ""
    for place, title in _PLACES.items():
        rows = [
            Row(
                name=one["name"],
                kind=shapes.bounds(one["schema"]),
                required=bool(one.get("required")),
                says=one["description"],
            )
            for one in operation["parameters"]
            if one["in"] == place
        ]
        found += _folded(title, _rows(rows), count=len(rows)) if place == "header" else _titled(title, rows)
    return found


def _got(shapes: Shapes, got: Mapping[str, Any]) -> str:
    media = got["content"]
    rows = list(shapes.rows(media[JSON]["schema"])) if JSON in media else []
    kinds = " or ".join(f"<code>{escape(name)}</code>" for name in media)
    head = f'<h4>Answer</h4><p><b class="ok">200</b> {kinds} {prose(got["description"])}</p>'
    names = [Row(name=name, kind="", required=False, says=one["description"]) for name, one in got["headers"].items()]
    return (
        head
        + _folded("Its fields", _rows(rows), count=len(rows))
        + _folded("Its headers", _rows(names), count=len(names))
    )


def _failures(answers: Mapping[str, Any]) -> str:
    found = {status: one for status, one in answers.items() if status[0] in "45"}
    chips = " ".join(f"<b>{status}</b>" for status in found)
    lines = "".join(
        f"<dt>{status}</dt><dd>{''.join(f'<p>{prose(line)}</p>' for line in one['description'].split(chr(10)))}</dd>"
        for status, one in found.items()
    )
    return (
        f'<details><summary>Errors <span class="chips">{chips}</span></summary>'
        f'<dl class="failures">{lines}</dl></details>'
    )


def _examples(command: str, got: Mapping[str, Any]) -> str:
    found = f'<h4>Ask</h4><pre tabindex="0">{escape(command, quote=False)}</pre>'
    content = got["content"]
    if "example" in content.get(JSON, {}):
        found += f'<h4>Answer</h4><pre tabindex="0">{sample.coloured(content[JSON]["example"])}</pre>'
    if EVENTS in content:
        events = escape(content[EVENTS]["example"].strip(), quote=False)
        found += f'<h4>With <code>"stream": true</code></h4><pre tabindex="0" class="wraps">{events}</pre>'
    return found


def _titled(title: str, rows: Iterable[Row]) -> str:
    told = _rows(rows)
    return f"<h4>{title}</h4>{told}" if told else ""


def _folded(title: str, told: str, *, count: int) -> str:
    return f"<details><summary>{title} <small>{count}</small></summary>{told}</details>" if count else ""


def _rows(rows: Iterable[Row]) -> str:
    told = "".join(
        f"<dt><code>{escape(row.name)}</code> <small>{escape(row.kind, quote=False)}</small>"
        f"{' <em>required</em>' if row.required else ''}</dt>"
        f"{f'<dd>{prose(row.says)}</dd>' if row.says else ''}"
        for row in rows
    )
    return f'<dl class="rows">{told}</dl>' if told else ""
