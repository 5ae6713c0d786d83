"""Open files. The module has the name of the world's interface, because the tool looks there."""

import wit_world
from componentize_py_async_support import spawn
from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.exports.storage import Reading
from wit_world.imports.types import Error, ErrorKind, Opened, Retry_Never, Written

# Content of every file of this instance, by host and path.
FILES = {}

# Bytes that are sent at a time.
PIECE = 256 << 10

# The tool that makes the component never frees an object that the gateway had as an open file. What comes
# back waits here for the next file, without the content of the last one.
SPARE = []


def failed(kind, message):
    """An error as the gateway wants it: raise what comes out."""
    return Err(Error(kind, 0, Retry_Never(), "", message, None, []))


def read(size, content):
    """A file, or a range of one, whose bytes are sent after this has returned."""
    sender, data = wit_world.byte_stream()
    ended, end = wit_world.result_unit_types_error_future(lambda: Ok(None))
    spawn(send(content, sender, ended))
    return Reading(Opened(size, None), data, end)


async def send(content, sender, ended):
    """Sends until the end, or until the gateway wants no more."""
    with sender:
        for at in range(0, len(content), PIECE):
            if sender.reader_dropped:
                break
            await sender.write_all(bytes(content[at : at + PIECE]))
    await ended.write(Ok(None))


def write(key, options):
    """A file to be written."""
    writer = SPARE.pop() if SPARE else Writer()
    writer.begin(key, options)
    return writer


class Writer(exports.storage.Writer):
    """A file being written. Nobody sees it before the commit."""

    def begin(self, key, options):
        self.key = key
        self.overwrite = options.overwrite
        self.size = options.size
        self.content = bytearray()

    def end(self):
        """What was written; the writer waits for another file."""
        content, self.content = self.content, None
        SPARE.append(self)
        return content

    async def write(self, offset, chunk):
        self.content += chunk

    def held(self):
        return 0

    async def keep(self, offset, len, expected):
        return False

    @classmethod
    async def commit(cls, this):
        content = this.end()
        if this.key in FILES and not this.overwrite:
            raise failed(ErrorKind.EXISTS, "the file is there already")
        if this.size is not None and this.size != len(content):
            raise failed(ErrorKind.INTEGRITY, "other bytes came than were announced")
        FILES[this.key] = content
        return Written(len(content), None, [])

    @classmethod
    async def abort(cls, this):
        this.end()

    @classmethod
    async def suspend(cls, this):
        this.end()
