"""What the operator set up: settings, chains, homes and stores."""

from oneai.errors.root import OneAIError


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
