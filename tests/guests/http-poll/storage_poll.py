"""Open files, of which there are none. The module has the name of the world's interface."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import Error, Retry_Never

# What is sent piece by piece.
PIECE = b"four"


def failed(kind, message):
    """An error as the gateway wants it: raise what comes out."""
    return Err(Error(kind, 0, Retry_Never(), "", message, None, []))


class Reader(exports.storage_poll.Reader):
    """Never made."""


class Writer(exports.storage_poll.Writer):
    """Never made."""
