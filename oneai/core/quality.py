"""Gates: what makes a whole reply no answer at all, though the model server called it one."""

from collections.abc import Callable, Mapping

from oneai.core import prepare
from oneai.profiles import Profile
from oneai.types import Call, Reply

Gate = Callable[[Call, Reply], str | None]
"""The reason against a reply, in words without any of its text; None when there is none."""


def judge(profile: Profile, call: Call, reply: Reply) -> str | None:
    """The first reason against a reply among the gates that the profile lists; a connectivity test passes all."""
    if not profile.gate or prepare.tests_connection(call):
        return None
    for name, gate in GATES.items():
        if name in profile.gate and (reason := gate(call, reply)) is not None:
            return reason
    return None


def _abort(_call: Call, reply: Reply) -> str | None:
    if reply.finish_reason != "abort":
        return None
    return "the model server gave up in the middle of the reply (finish_reason abort)"


def _empty(_call: Call, reply: Reply) -> str | None:
    if reply.output.get("tool_calls") or reply.output.get("text", "").strip():
        return None
    return "the reply has no text"


GATES: Mapping[str, Gate] = {
    "abort": _abort,
    "empty": _empty,
}
"""Every gate by the name that profiles list it under, in the order in which they are judged."""
