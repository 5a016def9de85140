"""The dialect of rerank: the one surface that is translated, between the two dialects of those who rank."""

from collections.abc import Mapping

import orjson

from oneai.core import endpoint, members, meter, prepare, rerank
from oneai.core.listening import Listener
from oneai.core.pass_dialect import passage_of
from oneai.core.rerank import RerankAsk
from oneai.core.shape import parsed
from oneai.types import Answer, Call, Model, Reply, Request


class RerankDialect:
    """`credentials` are what model servers ask of us, by the variable that a row's `credential_env` names."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._credentials = credentials

    def prepare(self, call: Call, model: Model, served: str | None) -> Request:
        """Raises MissingField, BadField and BadRequest."""
        passage = passage_of(call)
        return Request(
            method="POST",
            url=endpoint.with_query(rerank.url_for(model), passage.query),
            body=rerank.body_for(_asked(call), rerank.speaks_tei(model), served),
            headers=prepare.headers(call, self._credentials.get(model.credential_env or "")),
        )

    def read(self, call: Call, model: Model, answer: Answer) -> Reply:
        """Raises Unusable: protocol_error or error_event."""
        payload = parsed(answer)
        body = rerank.answered(_asked(call), payload, model.code)
        told = Answer(status=answer.status, headers=answer.headers, body=body)
        return Reply(answer=told, usage=meter.usage(payload, model.price))

    def listen(self, call: Call, model: Model) -> Listener:
        raise AssertionError("a ranking is answered whole")


def _asked(call: Call) -> RerankAsk:
    passage = passage_of(call)
    try:
        return rerank.asked(passage.path, orjson.loads(passage.body))
    except orjson.JSONDecodeError as exc:  # of a large one, only its outline has been read
        raise members.not_json(passage.body, exc) from exc
