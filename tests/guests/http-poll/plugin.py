"""Sends the request that the query of a URL describes, in the world without async functions.

| key | what |
|---|---|
| `uri`, `method`, `redirects` | the request |
| `name`, `value` | a header |
| `credential` | the caller's goes along |
| `body` | what is sent at once |
| `pieces`, `length` | so many pieces of four bytes are sent one by one, after that length was told |
| `forget` | the request is begun, and dropped after a first piece |

The status of the answer is the size, its text the version. The path `/sleep` waits, `/reveal` asks
for the credential itself, `/escape` tries what a program may do and a component may not, and tells in the version
what came of it, `/print` prints, and `/raise` raises what nobody catches.
"""

import json
import os
import sys
from urllib.parse import parse_qs, urlsplit

from storage_poll import PIECE, failed
from wit_world import exports
from wit_world.imports import http_poll, timer_poll
from wit_world.imports.http_types import Request
from wit_world.imports.types import EntryKind, ErrorKind, FileStat, Locality

# What is not there when the component is built cannot be imported later.
try:
    import socket
except ImportError:
    socket = None

CAPABILITIES = {
    "name": "http-poll",
    "version": "0.1.0",
    "schemes": ["http-poll"],
    "operations": ["stat"],
    "credentials": ["bearer", "none"],
}
# Smaller than any answer, so that it is read in several.
MOST = 7


def stat_of(size, text):
    return FileStat(EntryKind.FILE, size, None, None, None, None, None, text, Locality.UNKNOWN, [])


def request(query):
    header = [(query["name"], query["value"].encode())] if "name" in query else []
    method = query.get("method", "GET")
    return Request(method, query["uri"], header, None, int(query.get("redirects", "0")))


def upload(query, credential):
    length = int(query["length"]) if "length" in query else None
    outgoing = http_poll.begin(request(query), credential, length)
    for _ in range(int(query.get("pieces", "0"))):
        outgoing.write(PIECE)
    if "forget" in query:
        outgoing.__exit__(None, None, None)
        raise failed(ErrorKind.CANCELED, "go on: it was forgotten")
    return http_poll.Outgoing.finish(outgoing)


def call(cx, at):
    query = {key: values[0] for key, values in parse_qs(urlsplit(at).query).items()}
    credential = cx.credential() if "credential" in query else None
    if "pieces" in query:
        response, incoming = upload(query, credential)
    else:
        body = query["body"].encode() if "body" in query else None
        response, incoming = http_poll.send(request(query), credential, body)
    text = b""
    while (piece := incoming.read(MOST)) is not None:
        if not 0 < len(piece) <= MOST:
            raise failed(ErrorKind.INTERNAL, f"{len(piece)} bytes came where at most {MOST} were asked for")
        text += piece
    return stat_of(response.status, text.decode())


def connect():
    if socket is None:
        raise OSError("there are no sockets")
    socket.create_connection(("127.0.0.1", 22), 5)


def listen():
    if socket is None:
        raise OSError("there are no sockets")
    socket.create_server(("127.0.0.1", 0))


def write():
    with open("/tmp/escaped", "w") as file:
        file.write("out")


ESCAPES = {
    "read a file": lambda: open("/etc/passwd").read(),
    "write a file": write,
    "read above": lambda: open("../../../../etc/passwd").read(),
    "list a directory": lambda: os.listdir("/etc"),
    "connect": connect,
    "listen": listen,
    "run a program": lambda: os.system("true"),
    "fork": lambda: os.fork(),
    "read standard input": lambda: open(0).read() or 1 / 0,
}


def escape():
    told = {}
    for name, attempt in ESCAPES.items():
        try:
            attempt()
            told[name] = "done"
        except BaseException as error:
            told[name] = type(error).__name__
    told["environment"] = sorted(os.environ)
    told["arguments"] = sys.argv
    return json.dumps(told)


class StoragePoll(exports.StoragePoll):
    """The operations; only one of them is listed."""

    def create(self):
        pass

    def describe(self):
        return json.dumps(CAPABILITIES)

    def admit(self, at):
        pass

    def stat(self, cx, at):
        path = urlsplit(at).path
        if path == "/sleep":
            timer_poll.sleep_ms(20)
            return stat_of(20, None)
        if path == "/escape":
            return stat_of(0, escape())
        if path == "/print":
            print("said on", "output")
            print("said on\nerror", file=sys.stderr)
            return stat_of(0, None)
        if path == "/raise":
            raise KeyError("nobody catches it")
        if path == "/reveal":
            cx.credential().reveal()
            return stat_of(0, None)
        return call(cx, at)

    def unlisted(self, *_):
        raise failed(ErrorKind.UNSUPPORTED, "do what the capabilities do not list")

    exists = list = mkdir = rmdir = unlink = rename = checksum = space = unlisted
    open_read = open_write = unlisted
