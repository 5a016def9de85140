"""The options that set a model's fields: the same in `add` and `set`."""

from typing import Annotated

import typer

Provider = Annotated[str | None, typer.Option(help="Who made the model: picks the prompt (deepseek, paddle, meta, …).")]
Endpoint = Annotated[
    str | None, typer.Option(help="Its URL, whole or only http://host:port, which gets its domain's path.")
]
Name = Annotated[str | None, typer.Option(help="A name for people.")]
Description = Annotated[str | None, typer.Option(help="A line for people.")]
TimeoutMs = Annotated[int | None, typer.Option(min=1, help="How long one attempt may take.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Default and cap of an answer's tokens.")]
Fallback = Annotated[str | None, typer.Option(metavar="CODE", help="Who is tried next; none ends the chain.")]
CredentialEnv = Annotated[
    str | None, typer.Option(metavar="VARIABLE", help="The variable that holds the secret the server asks for.")
]
ServedModel = Annotated[str | None, typer.Option(help="The name that its server knows it by, if it must be told.")]
MaxInFlight = Annotated[int | None, typer.Option(min=1, help="Calls at one time; the default is 32.")]
WhenBusy = Annotated[str | None, typer.Option(metavar="wait|next", help="Beyond that: wait in line, or try the next.")]
HealthPath = Annotated[str | None, typer.Option(metavar="/PATH", help="A cheap path that tells if its server is well.")]
IdleMs = Annotated[int | None, typer.Option(min=1, help="The longest silence within a stream; the default is 60000.")]
StreamUsage = Annotated[
    bool | None,
    typer.Option(
        "--stream-usage/--no-stream-usage", help="May its server be asked for a stream's usage? By default yes."
    ),
]
PriceIn = Annotated[float | None, typer.Option(min=0, help="US dollars per million tokens in.")]
PriceOut = Annotated[float | None, typer.Option(min=0, help="US dollars per million tokens out.")]
PriceRequest = Annotated[float | None, typer.Option(min=0, help="US dollars per request.")]
Alias = Annotated[list[str] | None, typer.Option(help="Another name that clients may ask for it by; repeat for more.")]
Meta = Annotated[list[str] | None, typer.Option(metavar="KEY=JSON", help="Anything else of its meta; repeat for more.")]
