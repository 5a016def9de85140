"""A static model server: nginx, which gives every call the same completion, whole or as a stream, at once or slowly."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

from bench import chunks
from bench.process import LOAD_CORE, free_port, listening, pinned

WHOLE = ""
STREAMED = "/streamed"
"""100 chunks, each sent by itself and none waited for."""
PACKED = "/packed"
"""100 chunks, as many of them at once as fit."""
PACED = "/paced"
"""The first word at once and ten more, 10 ms apart."""
SILENT = "/silent"
"""One word, and then nothing."""
SLOW = "/slow"
"""Whole, after 200 ms."""
_ANSWER = (
    '{"id":"chat-1","object":"chat.completion","model":"static","choices":[{"index":0,"message":{"role":"assistant",'
    '"content":"Paris; about two million."},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":42,"completion_tokens":7}}'
)
_CONF = Template("""
load_module modules/ngx_http_echo_module.so;
worker_processes 1; worker_rlimit_nofile 16384; daemon off; pid $folder/nginx.pid; error_log $folder/error.log;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 75s; client_max_body_size 0;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  server {
    listen 127.0.0.1:$port backlog=4096; default_type application/json;
    location ~ /v1/models$$ { return 200 '{"object":"list","data":[{"id":"static","object":"model"}]}'; }
    location / { return 200 '$answer'; }
    $places
  }
}
""")


@contextmanager
def static(folder: Path) -> Iterator[int]:
    """The port of the running server."""
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.substitute(folder=folder, port=port, answer=_ANSWER, places="\n".join(_places())))
    checked = subprocess.run(["nginx", "-t", "-q", "-c", str(conf)], capture_output=True, text=True)
    if checked.returncode:
        raise SystemExit(f"nginx refuses (it needs libnginx-mod-http-echo):\n{checked.stderr}")
    server = subprocess.Popen(pinned(LOAD_CORE, "nginx", "-c", str(conf)), stderr=subprocess.DEVNULL)
    try:
        listening(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _places() -> Iterator[str]:
    yield _place(STREAMED, (_sent(event) for event in chunks.stream()))
    yield _place(PACKED, map(_echo, chunks.stream()))
    yield _place(PACED, _paced())
    yield _place(SILENT, [_sent(chunks.role()), _sent(chunks.word(0)), "echo_sleep 300;"])
    yield f"location {SLOW}/ {{ echo_sleep 0.2; echo -n '{_ANSWER}'; }}"


def _paced() -> Iterator[str]:
    yield _sent(chunks.role())
    yield _sent(chunks.word(0))
    for number in range(1, 11):
        yield f"echo_sleep 0.01; {_sent(chunks.word(number))}"
    yield from map(_echo, chunks.ending(11))


def _place(path: str, sending: Iterable[str]) -> str:
    return f"location {path}/ {{ default_type 'text/event-stream; charset=utf-8'; {' '.join(sending)} }}"


def _sent(event: str) -> str:
    return f"{_echo(event)} echo_flush;"


def _echo(event: str) -> str:
    escaped = event.replace("\n", "\\n")
    return f"echo -n '{escaped}';"
