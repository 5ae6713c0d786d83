"""A storage that keeps its files in memory: the smallest useful plugin, in Python.

The same as ../plugin-native in Rust. Its URLs look like `memory://box/some/file`; a directory is
whatever stands before a slash.
"""

import json
from urllib.parse import unquote

import storage
from wit_world import exports
from wit_world.imports.types import (
    DirPage,
    Entry,
    EntryKind,
    ErrorKind,
    FileStat,
    Locality,
)

CAPABILITIES = {
    "name": "memory",
    "version": "0.1.0",
    "schemes": ["memory"],
    "operations": ["stat", "list", "read", "write"],
    "read": {"ranges": True, "parallel": 4},
    "write": {"atomic": True, "parents": True},
    "credentials": ["none"],
    # The files lie in its memory: a second instance would not see them.
    "instances": 1,
}


def unsupported(operation):
    return storage.failed(ErrorKind.UNSUPPORTED, f"{operation} is not supported by this storage")


def key(at):
    """Host and path of a URL, without what follows a question mark."""
    return unquote(at.split("://", 1)[1].split("?", 1)[0]).rstrip("/")


def stat_of(content):
    """Metadata of a file, or of a directory when there is no content."""
    kind = EntryKind.DIRECTORY if content is None else EntryKind.FILE
    size = None if content is None else len(content)
    return FileStat(kind, size, None, None, None, None, None, None, Locality.UNKNOWN, [])


class Storage(exports.Storage):
    """The operations. The gateway makes one of these for every instance."""

    def __init__(self):
        self.files = storage.FILES

    def create(self):
        pass

    def describe(self):
        return json.dumps(CAPABILITIES)

    def admit(self, at):
        pass

    async def stat(self, cx, at):
        content = self.files.get(key(at))
        if content is not None:
            return stat_of(content)
        if self.children(at):
            return stat_of(None)
        raise storage.failed(ErrorKind.NOT_FOUND, f"no such file: {at}")

    async def exists(self, cx, at):
        return key(at) in self.files or bool(self.children(at))

    async def list(self, cx, at, page):
        if (await self.stat(cx, at)).kind != EntryKind.DIRECTORY:
            raise storage.failed(ErrorKind.NOT_DIRECTORY, f"not a directory: {at}")
        children = self.children(at)
        names = [name for name in sorted(children) if name >= (page.cursor or "")]
        limit = page.limit or len(names)
        entries = [Entry(name, stat_of(children[name])) for name in names[:limit]]
        rest = names[limit:]
        return DirPage(entries, rest[0] if rest else None)

    def children(self, at):
        """Names right below a directory, with the content of files."""
        prefix = key(at) + "/"
        found = {}
        for path, content in self.files.items():
            if path.startswith(prefix):
                name, slash, _ = path[len(prefix) :].partition("/")
                found[name] = None if slash else content
        return found

    async def open_read(self, cx, at, options):
        content = self.files.get(key(at))
        if content is None:
            raise storage.failed(ErrorKind.NOT_FOUND, f"no such file: {at}")
        end = len(content) if options.len is None else options.offset + options.len
        return storage.read(len(content), memoryview(content)[options.offset : end])

    async def open_write(self, cx, at, options):
        return storage.write(key(at), options)

    # What the capabilities do not list the gateway never asks for.

    async def mkdir(self, cx, at, parents):
        raise unsupported("mkdir")

    async def rmdir(self, cx, at):
        raise unsupported("rmdir")

    async def unlink(self, cx, at):
        raise unsupported("unlink")

    async def rename(self, cx, from_, to, overwrite):
        raise unsupported("rename")

    async def checksum(self, cx, at, algorithm):
        raise unsupported("checksum")

    async def space(self, cx, at):
        raise unsupported("space")
