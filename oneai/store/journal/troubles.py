"""What keeps the journal from being all well, said once in the log and shown until it is over."""

from oneai.logs import Log

_log = Log("journal")


class Troubles:
    """Why each thing that the journal does goes wrong, for as long as it does."""

    def __init__(self) -> None:
        self._why: dict[str, str] = {}

    def begin(self, what: str, exc: OSError) -> None:
        """`what` failed: logged when it is news, not for each of thousands of rows."""
        why = exc.strerror or str(exc)
        if self._why.get(what) != why:
            _log.error("journal_degraded", what=what, reason=why)
        self._why[what] = why

    def end(self, what: str) -> None:
        if self._why.pop(what, None) is not None:
            _log.info("journal_recovered", what=what)

    @property
    def text(self) -> str | None:
        return "; ".join(f"{what}: {why}" for what, why in self._why.items()) or None
