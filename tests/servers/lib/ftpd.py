"""An FTP server on three ports: plain and explicit TLS, implicit TLS, and one of old habits.

    ftpd.py DATA CERTIFICATE KEY PORT IMPLICIT_PORT OLD_PORT FIRST_PASSIVE LAST_PASSIVE
"""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

EVERYTHING = "elradfmwMT"
data, certificate, key = sys.argv[1:4]
port, implicit_port, old_port, first, last = map(int, sys.argv[4:])

accounts = DummyAuthorizer()
accounts.add_user("alice", "wonderland", data, perm=EVERYTHING)
accounts.add_user("reader", "looking-glass", data, perm="elr")
accounts.add_anonymous(data, perm=EVERYTHING)


class Explicit(TLS_FTPHandler):
    certfile = certificate
    keyfile = key
    authorizer = accounts
    passive_ports = range(first, last)
    banner = "lab"
    use_gmt_times = True


class Implicit(Explicit):
    """TLS before the first word."""

    def handle(self):
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self):
        super().handle()

    def ftp_AUTH(self, line):
        self.respond("550 not allowed")


class Old(FTPHandler):
    """Knows nothing that came after RFC 959 but SIZE, MDTM and REST."""

    authorizer = accounts
    passive_ports = range(first, last)
    banner = "old"
    proto_cmds = {
        name: it
        for name, it in FTPHandler.proto_cmds.items()
        if name not in ("MLSD", "MLST", "EPSV", "EPRT", "FEAT")
    }


loop = IOLoop()
for handler, at in ((Explicit, port), (Implicit, implicit_port), (Old, old_port)):
    FTPServer(("127.0.0.1", at), handler, ioloop=loop, backlog=200)
loop.loop()
