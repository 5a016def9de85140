"""What PostgREST answers when it answers no."""

from typing import Any


class Refusal(Exception):
    """A status with PostgREST's error body; codes are PostgreSQL's SQLSTATE or PostgREST's own."""

    def __init__(self, status: int, code: str | None, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details

    @property
    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": str(self), "details": self.details, "hint": None}


class Unspoken(Refusal):
    """The fake was asked something that it does not speak: the test that asked it must fail."""

    def __init__(self, what: str) -> None:
        super().__init__(501, "FAKE", f"the fake PostgREST does not speak {what}")
