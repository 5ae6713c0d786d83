"""Easy bindings: every exception a user can meet, and what another user may not do."""

import os
from urllib.parse import quote

from check import ENDPOINT, SOURCE, UNKNOWN, destination, fts3, holds, raises, same, slow
from fts3.rest.client.exceptions import (
    BadEndpoint, ClientError, MethodNotAllowed, NotFound, ServerError, TryAgain, Unauthorized,
)

context = fts3.Context(ENDPOINT)
me = fts3.whoami(context)
fts3.delegate(context)

# Not the endpoint of a gateway. Nobody listens on port 1.
raises(BadEndpoint, fts3.Context, "https://localhost:1", part="Bad endpoint")

# Refused submissions say why.
GOOD = destination("never")
for source, target, why in (
    ("/etc/passwd", GOOD, "Missing scheme (/etc/passwd)"),
    ("://source.example/f", GOOD, "Missing scheme"),
    ("file:///etc/passwd", GOOD, "Can not transfer local files (file:///etc/passwd)"),
    ("mock://source.example", GOOD, "Missing path (mock://source.example)"),
    ("mock://source.example/", GOOD, "Missing path"),
    ("mock:///f", GOOD, "Missing host (mock:///f)"),
    (SOURCE, "mock://", "Missing"),
    (12, GOOD, ""),
    (None, GOOD, ""),
    ([], GOOD, ""),
):
    job = fts3.new_job([{"sources": [source], "destinations": [target]}])
    error = raises(ClientError, fts3.submit, context, job, part=why)
    holds(error, "Bad request: ")

TRANSFER = {"sources": [SOURCE], "destinations": [GOOD]}
for body, why in (
    ("[", "Badly formatted JSON request"),
    ("[]", "Expecting a dictionary"),
    ("{}", "No transfers or namespace operations specified"),
    ({"files": []}, "No valid pairs available"),
    ({"files": [{"sources": [SOURCE]}]}, "Missing parameter: destinations"),
    ({"files": "many"}, "Malformed request: "),
    ({"files": [TRANSFER], "delete": [SOURCE]}, "Simultaneous transfer and namespace operations not supported"),
    ({"files": [TRANSFER], "params": {"retry": "often"}}, "Invalid value within the request: "),
    ({"files": [TRANSFER], "params": {"id_generator": "deterministic"}}, "Need sid for deterministic job id"),
    ({"files": [dict(TRANSFER, filesize="big")]}, "Invalid value within the request: "),
):
    raises(ClientError, context.post_json, "/jobs", body, part=f"Bad request: {why}")
same(fts3.list_jobs(context), [], "nothing of it was stored")

# Errors of storages, by number, through the namespace operations.
for errno, kind in ((2, NotFound), (13, Unauthorized), (1, Unauthorized), (20, ClientError), (16, TryAgain),
                    (110, TryAgain), (5, ServerError)):
    surl = quote(f"mock://store.example/f?errno={errno}", "")
    raises(kind, context.get, f"/dm/stat?surl={surl}")
raises(ClientError, context.get, "/dm/stat", part="Bad request")
raises(ClientError, context.get, "/dm/stat?surl=" + quote("file:///etc/passwd", ""), part="Bad request")

# Routes and methods.
raises(MethodNotAllowed, context.put, "/whoami", "{}")
raises(NotFound, context.get, "/no/such/route")
raises(NotFound, context.get, f"/jobs/{UNKNOWN}/files")
raises(NotFound, context.get, f"/jobs/{UNKNOWN}/job_state")

# What is mine is not another's.
mine = fts3.submit(context, fts3.new_job([slow("mine")]))
other = fts3.Context(ENDPOINT, ucert=os.environ["OTHER_CERT"], ukey=os.environ["OTHER_KEY"])
them = fts3.whoami(other)
same(them["is_root"], False)
assert them["delegation_id"] != me["delegation_id"]
for path in (f"/jobs/{mine}", f"/jobs/{mine}/files", f"/jobs/{mine}/job_state", f"/delegation/{me['delegation_id']}"):
    raises(Unauthorized, other.get, path)
raises(Unauthorized, fts3.cancel, other, mine)
raises(Unauthorized, fts3.cancel_all, other)
raises(Unauthorized, fts3.cancel_all, other, me["vos"][0])
same(fts3.list_jobs(other), [])
raises(Unauthorized, fts3.list_jobs, other, delegation_id=me["delegation_id"], state_in=["ACTIVE"])
raises(ClientError, fts3.list_jobs, other, user_dn=me["user_dn"])
raises(NotFound, context.get, f"/jobs/{mine}/nosuchfield")
same(fts3.cancel(context, mine)["job_state"], "CANCELED")
