"""A program: asks for a stream and says each line of it on stdout, until somebody kills it.

Its words: the gateway's host and port, and a path. On stdin, a line each: the key, and the body.
"""

import http.client
import sys


def main() -> None:
    host, path = sys.argv[1:]
    key, body = (sys.stdin.readline().strip() for _ in range(2))
    connection = http.client.HTTPConnection(host)
    connection.request("POST", path, body, {"X-API-Key": key, "Content-Type": "application/json"})
    response = connection.getresponse()
    print(response.headers["X-OneAI-Call"], flush=True)
    while line := response.readline():
        print(line.decode(), end="", flush=True)


if __name__ == "__main__":
    main()
