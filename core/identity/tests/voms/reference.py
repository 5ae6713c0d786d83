"""What the VOMS library itself reads from a proxy file: python3 reference.py VOMSDIR CADIR PROXY

Prints one attribute a line and ends with 0, or prints why it believes none and ends with 1.
"""

import ctypes
import sys

TEXT = ctypes.c_char_p


class Voms(ctypes.Structure):
    """The head of `struct voms`."""

    _fields_ = [
        ("siglen", ctypes.c_int),
        ("signature", ctypes.c_void_p),
        ("user", TEXT),
        ("userca", TEXT),
        ("server", TEXT),
        ("serverca", TEXT),
        ("voname", TEXT),
        ("uri", TEXT),
        ("date1", TEXT),
        ("date2", TEXT),
        ("type", ctypes.c_int),
        ("std", ctypes.c_void_p),
        ("custom", ctypes.c_void_p),
        ("datalen", ctypes.c_int),
        ("version", ctypes.c_int),
        ("fqan", ctypes.POINTER(TEXT)),
    ]


class VomsData(ctypes.Structure):
    """The head of `struct vomsdata`."""

    _fields_ = [
        ("cdir", TEXT),
        ("vdir", TEXT),
        ("data", ctypes.POINTER(ctypes.POINTER(Voms))),
    ]


def items(pointers):
    """The entries of an array that ends with a null."""
    at = 0
    while pointers and pointers[at]:
        yield pointers[at]
        at += 1


def main(vomsdir, cadir, proxy):
    library = ctypes.CDLL("libvomsapi.so.1")
    library.VOMS_Init.restype = ctypes.POINTER(VomsData)
    library.VOMS_Init.argtypes = [TEXT, TEXT]
    library.VOMS_ErrorMessage.restype = TEXT
    library.VOMS_ErrorMessage.argtypes = [ctypes.POINTER(VomsData), ctypes.c_int, TEXT, ctypes.c_int]
    library.VOMS_RetrieveFromFile.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.POINTER(VomsData),
        ctypes.POINTER(ctypes.c_int),
    ]
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fopen.argtypes = [TEXT, TEXT]

    state = library.VOMS_Init(vomsdir.encode(), cadir.encode())
    error = ctypes.c_int(0)
    whole_chain = 0
    file = libc.fopen(proxy.encode(), b"r")
    if not library.VOMS_RetrieveFromFile(file, whole_chain, state, ctypes.byref(error)):
        print(library.VOMS_ErrorMessage(state, error, None, 0).decode())
        return 1
    for voms in items(state.contents.data):
        for fqan in items(voms.contents.fqan):
            print(fqan.decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
