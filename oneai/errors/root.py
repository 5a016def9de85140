"""What every error is: its docstring the message, with its HTTP status, code and exit code."""

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
