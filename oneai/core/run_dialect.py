"""The dialect of our own surfaces, run and ocr: profiles say how to ask, gates say what is no answer."""

from collections.abc import Mapping

from oneai.core import endpoint, listening, prepare, quality, read, rerank
from oneai.core.dialect import Unusable
from oneai.core.listening import Listener
from oneai.profiles import Profiles
from oneai.types import Answer, Call, Model, Reply, Request, Surface


class RunDialect:
    """`credentials` are what model servers ask of us, by the variable that a row's `credential_env` names."""

    def __init__(self, profiles: Profiles, credentials: Mapping[str, str]) -> None:
        self._profiles = profiles
        self._credentials = credentials

    def prepare(self, call: Call, model: Model, served: str | None) -> Request:
        """Raises UnknownProfile, BadField (max_tokens) and BadRequest."""
        profile = self._profiles.get(call.task, call.profile, model.provider)
        return Request(
            method="POST",
            url=_url(model, prepare.KINDS[call.task]),
            body=prepare.body(call, model, profile, served),
            headers=prepare.headers(call, self._credentials.get(model.credential_env or "")),
        )

    def read(self, call: Call, model: Model, answer: Answer) -> Reply:
        """Raises Unusable: protocol_error, error_event, abort or quality."""
        reply = read.reply(call, model, answer)
        profile = self._profiles.get(call.task, call.profile, model.provider)
        reason = quality.judge(profile, call, reply)
        if reason is None:
            return reply
        raise Unusable("abort" if reply.finish_reason == "abort" else "quality", reason, reply=reply)

    def listen(self, call: Call, model: Model) -> Listener:
        """Gates judge whole replies only: of a stream, what has gone out cannot be taken back."""
        return listening.of(Surface.RUN, code=model.code, asks_usage=False)


def _url(model: Model, kind: Surface) -> str:
    return rerank.url_for(model) if kind is Surface.RERANK else endpoint.url_for(model, kind)
