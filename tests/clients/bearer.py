"""Easy bindings with a bearer token, and nothing else to be known by."""

import os

from check import ENDPOINT, SOURCE, destination, fts3, raises, same, slow, wait, wait_active
from fts3.rest.client.exceptions import Unauthorized

for name in ("X509_USER_PROXY", "X509_USER_CERT", "X509_USER_KEY"):
    os.environ.pop(name, None)
token = os.environ.pop("TOKEN")

context = fts3.Context(ENDPOINT, fts_access_token=token)
me = fts3.whoami(context)
same((me["method"], me["user_dn"], me["vos"]), ("oauth2", "sub-1", ["dteam"]))
# There is nothing to delegate; the client knows, and submits all the same.
job = fts3.submit(context, fts3.new_job([fts3.new_transfer(SOURCE, destination("token"))]))
done = wait(context, job)
same((done["job_state"], done["user_dn"], done["vo_name"]), ("FINISHED", "sub-1", "dteam"))

job = fts3.submit(context, fts3.new_job([slow("token-slow")]))
wait_active(context, job)
same(fts3.cancel(context, job)["job_state"], "CANCELED")
same(wait(context, job)["job_state"], "CANCELED")

# One that somebody changed on the way.
raises(Unauthorized, fts3.Context, ENDPOINT, fts_access_token=token[:-8] + "AAAAAAAA")
