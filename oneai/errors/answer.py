"""What the gateway could not do: busy, exhausted, out of time, stopping."""

from oneai.errors.root import OneAIError


class TooManyCalls(OneAIError):
    """This API key already has its {limit} calls in flight. Wait for one to end."""

    status = 429
    code = "key_busy"
    type = "rate_limit_error"


class ModelsBusy(OneAIError):
    """Every model that this call may use is busy: {trail}. Try again in a moment."""

    status = 429
    code = "models_busy"
    type = "rate_limit_error"


class Rejected(OneAIError):
    """The model server refused the request: {why}"""

    code = "upstream_rejected"
    type = "invalid_request_error"


class PromptTooLong(Rejected):
    """The prompt is too long for the model. The model server says: {why}"""

    code = "context_length_exceeded"  # OpenAI's word for it; LangChain looks for either of the two


class ChainExhausted(OneAIError):
    """No model of the chain could answer: {trail}. `oneai why {call}` says what each one did."""

    status = 502
    code = "chain_exhausted"


class NothingCanAnswer(OneAIError):
    """No model can answer this call now: {why}."""

    status = 503
    code = "no_model_available"


class Draining(OneAIError):
    """The gateway is shutting down and takes no new calls. Try again in a moment."""

    status = 503
    code = "draining"


class Stopped(OneAIError):
    """The gateway was stopped, and its time to let running calls end (ONEAI_DRAIN_S) is over. Ask again in a moment."""

    status = 503
    code = "stopped"


class Overloaded(OneAIError):
    """The gateway holds as many bodies as it may (ONEAI_MAX_BODY_TOTAL_MB). Try again in a moment."""

    status = 503
    code = "overloaded"


class DeadlinePassed(OneAIError):
    """The call's time of {seconds:g} s ran out: {trail}. {advice}"""

    status = 504
    code = "deadline_exceeded"


class ModelsTimedOut(OneAIError):
    """The last model of the chain did not answer in its time: {trail}. `oneai why {call}` says more."""

    status = 504
    code = "model_timeout"


class NoRoute(ChainExhausted):
    """No model of the chain serves what was asked for here: {trail}. `oneai models list` shows what each is for."""

    code = "no_route"


class StreamBroken(OneAIError):
    """Model {model} broke off after its answer had begun: {why}. `oneai why {call}` says more."""

    status = 502
    code = "stream_broken"
