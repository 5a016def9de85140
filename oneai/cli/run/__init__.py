"""`oneai run`: one call through a running gateway, the way that an automation takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from oneai.cli.frame import DONE, Desk, Json, run
from oneai.cli.run import body, curl, files, shown, waiting
from oneai.cli.run.body import Wish
from oneai.errors import Refused
from oneai.types import Domain

_MARGIN_S = 15.0
"""How much longer than the gateway we wait: its own word on what took so long is worth having."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """How the call goes out, beside what it asks."""

    file: Path | None
    timeout_s: float | None
    curl: bool


def run_call(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A page: PNG, JPEG, WebP or TIFF; - is stdin.")
    ] = None,
    task: Annotated[Domain | None, typer.Option(help="What to do; without it what the input is for.")] = None,
    model: Annotated[str | None, typer.Option(help="Start at this model, a code or an alias.")] = None,
    profile: Annotated[str | None, typer.Option(help="A named way of asking, such as transcript.")] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="A text, or what to do with the page; repeat to embed more.")
    ] = None,
    messages: Annotated[str | None, typer.Option(metavar="FILE|-", help="Chat messages as a JSON array.")] = None,
    query: Annotated[str | None, typer.Option(help="Rerank: what the documents are ordered by.")] = None,
    document: Annotated[list[str] | None, typer.Option(help="Rerank: a document; repeat for more.")] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="KEY=JSON", help="As temperature=0 or max_tokens=500; repeat for more.")
    ] = None,
    no_fallback: Annotated[bool, typer.Option("--no-fallback", help="One model only.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Print the text as it comes.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=1, max=3600, metavar="SECONDS", help="For the whole call, fallbacks and all.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whom the usage is for.")] = None,
    doc_id: Annotated[str | None, typer.Option(help="Which document it is.")] = None,
    run_id: Annotated[str | None, typer.Option(help="Which workflow run it belongs to.")] = None,
    curl: Annotated[
        bool, typer.Option("--curl", help="Print the curl line that does the same, and send nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Send a page or a text through the gateway. The answer goes to stdout, how it went to stderr.

    `oneai run invoice.png` reads a page; `oneai run --text Hello --task llm` asks a language model.
    """
    origin = {"tenant_id": tenant, "doc_id": doc_id, "wf_run_id": run_id}
    wish = Wish(
        task=task.value if task else None,
        model=model,
        profile=profile,
        has_image=file is not None,
        texts=tuple(text or ()),
        messages=messages,
        query=query,
        documents=tuple(document or ()),
        params=tuple(param or ()),
        falls_back=not no_fallback,
        streams=stream,
        origin={name: value for name, value in origin.items() if value},
    )
    how = _How(file=file, timeout_s=timeout, curl=curl)
    run(context, json, lambda desk: _run(desk, wish, how))


async def _run(desk: Desk, wish: Wish, how: _How) -> int:
    asked = body.build(wish, reads_stdin=str(how.file) == files.STDIN)
    headers = {"X-OneAI-Timeout-Ms": str(round(how.timeout_s * 1000))} if how.timeout_s else {}
    if how.curl:
        line = curl.line(desk.settings.gateway_url, asked, headers, how.file)
        desk.out.give({"curl": line}, lambda console: console.print(line, soft_wrap=True))
        desk.out.aside(curl.key_hint(desk.settings.home))
        return DONE
    if how.file is not None:
        asked["input"]["image"] = files.image(how.file, desk.settings.max_body_mb)
    send = _streamed if wish.streams else _whole
    draw = shown.parts if wish.streams else shown.output
    try:
        document = await send(desk, asked, headers, how)
    except Refused as exc:
        for said in shown.failure(exc):
            desk.out.aside(said)
        raise
    desk.out.give(dict(document), lambda _console: draw(document))
    for said in shown.summary(document):
        desk.out.aside(said)
    return DONE


async def _whole(desk: Desk, asked: dict[str, Any], headers: dict[str, str], how: _How) -> Mapping[str, Any]:
    limit = {} if how.timeout_s is None else {"timeout_s": how.timeout_s + _MARGIN_S}
    async with desk.gateway() as gateway:
        with waiting.spinner(desk.settings.gateway_url):
            return (await gateway.run(asked, headers=headers, **limit)).document


async def _streamed(desk: Desk, asked: dict[str, Any], headers: dict[str, str], _how: _How) -> Mapping[str, Any]:
    from oneai.cli.run import streamed

    async with desk.gateway() as gateway:
        return await streamed.told(desk, gateway, asked, headers)
