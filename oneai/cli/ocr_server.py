"""`oneai ocr-server`: the embedded OCR model server, until it is told to stop."""

from typing import Annotated, Any

import typer

from oneai.cli.frame import Json
from oneai.cli.output import Output


def ocr_server(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Listen here; else on 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="And on this port; else on 8010.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Pages at one time; each takes a core. Else up to 4.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(metavar="eng+deu", help="Languages of the pages, as Tesseract names them.")
    ] = None,
    max_queue: Annotated[int | None, typer.Option(min=0, help="Pages that may wait for a worker; else 16.")] = None,
    json: Json = False,
) -> None:
    r"""Read pages on this machine, with Tesseract and no GPU: a model server like any other. Needs oneai\[ocr].

    Register it behind the others: `oneai models add --domain ocr --role small --provider tesseract --endpoint
    http://127.0.0.1:8010`.
    """
    from oneai import config, logs
    from oneai.ocr import server
    from oneai.ocr.options import Options

    settings = config.load(context.find_root().params.get("env_file"))
    logs.configure(settings.log_level)
    given: dict[str, Any] = {"host": host, "port": port, "workers": workers, "lang": lang, "max_queue": max_queue}
    server.serve(Options(**{name: value for name, value in given.items() if value is not None}))
    Output(json=json).give({"stopped": True}, lambda _console: None)
