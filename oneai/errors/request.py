"""What the client sent, or may not do."""

from oneai.errors.root import OneAIError


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
