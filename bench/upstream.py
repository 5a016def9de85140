"""A static model server that is never the limit: nginx, which answers every call with the same completion."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import LOAD_CORE, free_port, listening, pinned

ANSWER = (
    '{"id":"chat-1","object":"chat.completion","model":"static","choices":[{"index":0,"message":{"role":"assistant",'
    '"content":"Paris; about two million."},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":42,"completion_tokens":7}}'
)
_CONF = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 75s; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}; default_type application/json;
    location = /v1/models {{ return 200 '{{"object":"list","data":[{{"id":"static","object":"model"}}]}}'; }}
    location / {{ return 200 '{answer}'; }}
  }}
}}
"""


@contextmanager
def static(folder: Path) -> Iterator[int]:
    """The port of the running server."""
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, port=port, answer=ANSWER))
    server = subprocess.Popen(pinned(LOAD_CORE, "nginx", "-c", str(conf)), stderr=subprocess.DEVNULL)
    try:
        listening(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)
