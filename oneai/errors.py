"""Every error that a user can see: one class each, its docstring the message, with its HTTP status and code.

What an outcome of an attempt means for a chain is the table in `core/outcome.py`; these are what leaves the gateway
or ends a command.
"""

from typing import Any, ClassVar

from oneai.types import Attempt


class OneAIError(Exception):
    """Something went wrong inside the gateway. The log has it under this request id."""

    status: int = 500
    code: str = "internal_error"
    type: ClassVar[str] = "api_error"
    exit_code: int = 1

    def __init__(self, *, param: str | None = None, retry_after_s: float | None = None, **facts: Any) -> None:
        template = " ".join((type(self).__doc__ or "").split())
        super().__init__(template.format(**facts) if facts else template)
        self.param = param
        self.retry_after_s = retry_after_s
        self.attempts: tuple[Attempt, ...] = ()
        self.facts = facts

    @property
    def message(self) -> str:
        return str(self)


# What the client sent


class BadRequest(OneAIError):
    """{what}"""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"
    exit_code = 2


class NotJson(BadRequest):
    """The body is not valid JSON: {why}. Send a JSON object with Content-Type: application/json."""

    code = "invalid_json"


class BadField(BadRequest):
    """{field}: found {found}; accepted is {accepted}."""

    code = "invalid_value"

    def __init__(self, *, field: str, found: str, accepted: str) -> None:
        super().__init__(param=field, field=field, found=found, accepted=accepted)


class MissingField(BadRequest):
    """{field} is missing: {accepted}."""

    code = "missing_field"

    def __init__(self, *, field: str, accepted: str) -> None:
        super().__init__(param=field, field=field, accepted=accepted)


class UnknownTask(BadRequest):
    """Unknown task {found}: the tasks are ocr, llm, vision, tools, embed and rerank."""

    code = "unknown_task"


class UnknownProfile(BadRequest):
    """Task {task} has no profile {found}: it has {accepted}."""

    code = "unknown_profile"


class WrongDomain(BadRequest):
    """Model {model} is of domain {domain} and cannot do task {task}. Leave `task` out, or ask a model of that
    domain."""

    code = "wrong_domain"


class BadImage(BadRequest):
    """{field}: {what}. Accepted are PNG, JPEG, WebP and TIFF images of 28 px a side to 178 million pixels, as base64
    or a data URI."""

    code = "invalid_image"

    def __init__(self, *, field: str, what: str) -> None:
        super().__init__(param=field, field=field, what=what)


class ImageUrlRefused(BadRequest):
    """{field}: image URLs on host {host} are not fetched here. Send the image as base64, or have the operator add the
    host to ALLOW_IMAGE_URLS."""

    code = "image_url_refused"


class NoKey(OneAIError):
    """No API key was sent. Put it in the {header} header, or send Authorization: Bearer."""

    status = 401
    code = "missing_api_key"
    type = "authentication_error"
    exit_code = 5


class BadKey(NoKey):
    """This API key is not known here. `oneai keys list` shows the keys; `oneai keys create NAME` makes one."""

    code = "invalid_api_key"


class RevokedKey(NoKey):
    """This API key was revoked. Ask the operator for a new one: `oneai keys create NAME`."""

    code = "revoked_api_key"


class ExpiredKey(NoKey):
    """This API key has expired. Ask the operator for a new one: `oneai keys create NAME`."""

    code = "expired_api_key"


class Forbidden(OneAIError):
    """This API key may not call {model}. `oneai models keys {model} --grant NAME` lets it."""

    status = 403
    code = "key_may_not_call_model"
    type = "permission_error"
    exit_code = 5


class NotAdmin(Forbidden):
    """This path needs an admin key: one of ADMIN_API_KEYS, or the local key in $ONEAI_HOME/local.key."""

    code = "admin_key_required"


class UnknownModel(OneAIError):
    """No model {model} is registered. `oneai models list` and GET /models show those that are."""

    status = 404
    code = "model_not_found"
    type = "not_found_error"
    exit_code = 3


class InactiveModel(UnknownModel):
    """Model {model} is inactive and has no active fallback. `oneai models enable {model}` turns it on."""

    code = "model_inactive"


class UnknownPath(UnknownModel):
    """There is nothing at {method} {path}. docs/api.md lists the paths of this gateway."""

    code = "path_not_found"


class UnknownCall(UnknownModel):
    """No call {id} is known: it is older than what is kept, or was never made here."""

    code = "call_not_found"


class NoCallYet(UnknownCall):
    """No call has come in since the gateway started. `oneai run FILE` makes one; earlier ones go by their ids."""

    code = "no_call_yet"


class UnknownKey(UnknownModel):
    """No API key is named {name}. `oneai keys list` shows those that are."""

    code = "key_not_found"


class MethodNotAllowed(OneAIError):
    """{method} is not possible on {path}: it takes {accepted}."""

    status = 405
    code = "method_not_allowed"
    type = "invalid_request_error"


class ClientTooSlow(OneAIError):
    """The body of the request did not arrive in time. Send it again, or over a faster line."""

    status = 408
    code = "client_too_slow"
    type = "invalid_request_error"


class TooLarge(OneAIError):
    """The body is larger than the {limit_mb} MB that ONEAI_MAX_BODY_MB allows."""

    status = 413
    code = "body_too_large"
    type = "invalid_request_error"


class ImageTooLarge(OneAIError):
    """No model of this call takes an input of this size. Send a smaller one."""

    status = 413
    code = "input_too_large"
    type = "invalid_request_error"


# What the gateway could not do


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


# What the operator set up, and what the command line met


class BadSetting(OneAIError):
    """{name}: found {found}; accepted is {accepted}."""

    code = "bad_setting"
    exit_code = 2

    def __init__(self, *, name: str, found: str, accepted: str) -> None:
        super().__init__(name=name, found=found, accepted=accepted)


class BadCode(OneAIError):
    """{found} is no model code: a code is a domain letter (o l v t e r), a role letter (p b s v) and a number from 1,
    such as op1."""

    code = "bad_model_code"
    exit_code = 2


class BadChain(OneAIError):
    """{what}"""

    code = "bad_chain"
    exit_code = 4


class Conflict(OneAIError):
    """{what}"""

    status = 409
    code = "conflict"
    exit_code = 4


class HomeInUse(Conflict):
    """Another gateway already runs on {home}. Stop it first, or give this one an ONEAI_HOME of its own."""

    code = "home_in_use"


class PortTaken(Conflict):
    """{host}:{port} is taken by another program. Stop it, or choose a free port: --port, or PORT for the gateway."""

    code = "port_taken"


class StoreAway(OneAIError):
    """The store at {store} cannot be reached: {why}."""

    status = 503
    code = "store_unreachable"
    exit_code = 6


class StoreRefused(OneAIError):
    """The store refused: {why}."""

    code = "store_refused"


class StoreLacks(OneAIError):
    """The store has no {what} yet. `oneai db sql` prints what to paste into its SQL editor, `oneai db check` what is
    missing."""

    status = 501
    code = "store_not_migrated"


class GatewayAway(OneAIError):
    """No gateway answers at {url}. Start one with `oneai serve`, or set ONEAI_URL."""

    code = "gateway_unreachable"
    exit_code = 6


class GatewaySilent(GatewayAway):
    """The gateway at {url} took the request and did not answer within {seconds:g} s."""

    code = "gateway_timeout"


class GatewayGone(GatewayAway):
    """The gateway at {url} took the request and hung up before it answered: it was stopped, or something between cut
    the line. Its log says more, and `oneai why last` what became of a call."""

    code = "gateway_gone"


class NotAGateway(GatewayAway):
    """What answers at {url} is no OneAI Gateway: {why}. Set ONEAI_URL to where yours is."""

    code = "not_a_gateway"


class Refused(OneAIError):
    """The gateway answered {status}: {said}"""

    def __init__(self, *, status: int, code: str, said: str, param: str | None = None) -> None:
        super().__init__(param=param, status=status, said=said)
        self.status = status
        self.code = code
        self.exit_code = {400: 2, 401: 5, 403: 5, 404: 3, 409: 4, 413: 2, 422: 2}.get(status, 1)
        self.trail: tuple[Any, ...] = ()
        """The attempts of a call, as the gateway's envelope has them."""


class RemovedModel(UnknownModel):
    """Model {model} was removed. `oneai models enable {model}` brings it back."""

    code = "model_removed"


class NeedsYes(OneAIError):
    """This asks before it acts ({what}), and there is no terminal to ask on. Pass --yes to go ahead, or --dry-run to
    see what it would do."""

    code = "confirmation_needed"
    exit_code = 2


class Declined(OneAIError):
    """Nothing was changed: the answer was no."""

    code = "declined"


class ForeignHome(OneAIError):
    """{home} belongs to another user: writing there as this one would lock the gateway out of its own files. Run it
    where the gateway runs: {instead}"""

    code = "foreign_home"
    exit_code = 2


# What the embedded OCR server says


class OcrMissing(OneAIError):
    """The OCR server needs Tesseract, which is not installed here. Install it: pip install 'oneai[ocr]'"""

    code = "ocr_not_installed"


class OcrWontStart(OneAIError):
    """Tesseract does not start with language {lang} from {folder}: {why}."""

    code = "ocr_wont_start"


class NotServed(UnknownModel):
    """The model `{model}` does not exist. Valid aliases: {accepted}."""

    type = "NotFoundError"


class OcrUnknownPath(UnknownPath):
    """There is nothing at {method} {path}: this OCR server has {accepted}."""


class OcrBodyTooLarge(TooLarge):
    """The body is larger than the {limit_mb} MB that this OCR server takes."""


class OcrQueueFull(Overloaded):
    """The request queue is full: {waiting} pages wait already. Try again in a moment."""

    code = "queue_full"


class PageTimedOut(OneAIError):
    """The page was not read within {seconds:g} s and was given up. Send it smaller, or in parts."""

    code = "page_timeout"


class PageCrashed(OneAIError):
    """The OCR process died of this page, twice. Send the image in another format."""

    code = "page_crashed"


class NoRoom(OneAIError):
    """What was to be written did not fit: {why}. Make room, and run it again."""

    code = "no_room"


class UnusableFile(OneAIError):
    """{path}: {why}."""

    code = "unusable_file"
    exit_code = 2


class MissingFile(UnusableFile):
    """There is no file {path}."""

    code = "file_not_found"
    exit_code = 3


class UnknownCodes(UnknownModel):
    """{option}: no model {found} is registered: accepted are {accepted}, and the domain letters o, l, v, t, e and r."""


class LocalKey(OneAIError):
    """The local key is a file and no row of the store: delete {path} and start the gateway again, which makes a new
    one."""

    code = "local_key"
    exit_code = 2


class CannotMigrate(OneAIError):
    """Nothing is known to be applied: {why}. `oneai db sql` prints what to paste into the project's SQL editor."""

    code = "cannot_migrate"


class DemoFailed(OneAIError):
    """The demo stopped at `{command}`: {why}"""

    code = "demo_failed"


class MissingSample(OneAIError):
    """The sample page {path} is not there. Clone the repository again, or send a page of your own: `oneai run FILE`."""

    code = "sample_missing"
    exit_code = 3
