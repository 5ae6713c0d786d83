"""Open files. The module has the name of the world's interface, because the tool looks there."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import Error, ErrorKind, Opened, Retry_Never, Written

# Content of every file of this instance, by host and path.
FILES = {}


def failed(kind, message):
    """An error as the gateway wants it: raise what comes out."""
    return Err(Error(kind, 0, Retry_Never(), "", message, None, []))


class Reader(exports.storage_poll.Reader):
    """A file being read."""

    def __init__(self, size, rest):
        self.size = size
        self.rest = memoryview(rest)

    def opened(self):
        return Opened(self.size, None)

    def read(self, max):
        if not self.rest:
            return None
        chunk, self.rest = bytes(self.rest[:max]), self.rest[max:]
        return chunk

    @classmethod
    def close(cls, this):
        pass


class Writer(exports.storage_poll.Writer):
    """A file being written. Nobody sees it before the commit."""

    def __init__(self, key, options):
        self.key = key
        self.overwrite = options.overwrite
        self.size = options.size
        self.content = bytearray()

    def write(self, offset, chunk):
        self.content += chunk

    def held(self):
        return 0

    def keep(self, offset, len, expected):
        return False

    @classmethod
    def commit(cls, this):
        if this.key in FILES and not this.overwrite:
            raise failed(ErrorKind.EXISTS, "the file is there already")
        if this.size is not None and this.size != len(this.content):
            raise failed(ErrorKind.INTEGRITY, "other bytes came than were announced")
        FILES[this.key] = this.content
        return Written(len(this.content), None, [])

    @classmethod
    def abort(cls, this):
        pass

    @classmethod
    def suspend(cls, this):
        pass
