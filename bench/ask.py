"""What is asked: about 300 bytes each, as the smallest real calls are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.gateway import KEY

_MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant that answers shortly and to the point."},
    {"role": "user", "content": "What is the capital of France, and how many people live there?"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A path and what is posted there."""

    path: str
    body: Mapping[str, Any]

    def json(self) -> str:
        return json.dumps(self.body)

    def at(self, place: str) -> "Ask":
        """The same of the model server itself."""
        return replace(self, path=f"{place}{self.path}")

    def of(self, model: str) -> "Ask":
        return replace(self, body={**self.body, "model": model})

    def raw(self) -> bytes:
        body = self.json().encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: bench.example\r\nX-API-Key: {KEY}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


RUN = Ask(
    path="/v1/run",
    body={"task": "llm", "model": "lp1", "input": {"messages": _MESSAGES}, "params": {"temperature": 0.2}},
)
CHAT = Ask(path="/v1/chat/completions", body={"model": "lp1", "messages": _MESSAGES, "temperature": 0.2})
STREAM = Ask(path=CHAT.path, body={**CHAT.body, "stream": True})
