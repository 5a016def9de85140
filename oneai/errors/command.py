"""What the command line met."""

from typing import Any

from oneai.errors.request import UnknownModel
from oneai.errors.root import OneAIError


class GatewayAway(OneAIError):
    """No gateway answers at {url}. Start one with `oneai serve`, or set ONEAI_URL."""

    code = "gateway_unreachable"
    exit_code = 6


class GatewaySilent(GatewayAway):
    """The gateway at {url} took the request and did not answer within {seconds:g} s."""

    code = "gateway_timeout"


class GatewayGone(GatewayAway):
    """The gateway at {url} took the request and hung up before its answer was whole: it was stopped, or something
    between cut the line. Its log says more, and `oneai why last` what became of a call."""

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
