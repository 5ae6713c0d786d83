"""Easy bindings: what operators do with storages and users."""

import json
import os

from check import ENDPOINT, SOURCE, fts3, holds, raises, same, slow, wait, wait_active
from fts3.rest.client.exceptions import ClientError, Unauthorized

SE = "mock://destination.example"
context = fts3.Context(ENDPOINT)
me = fts3.whoami(context)
fts3.delegate(context)
other = fts3.Context(ENDPOINT, ucert=os.environ["OTHER_CERT"], ukey=os.environ["OTHER_KEY"])
them = fts3.whoami(other)

# Only operators may.
for call, *args in ((fts3.ban_se, SE), (fts3.unban_se, SE), (fts3.ban_dn, me["user_dn"]), (fts3.unban_dn, me["user_dn"])):
    raises(Unauthorized, call, other, *args)
for path in ("/ban/se", "/ban/dn", "/config/audit", "/config/se", "/status/hosts", "/autocomplete/vo"):
    raises(Unauthorized, other.get, path)

# A storage: what is under way is cancelled, what comes is refused.
running = fts3.submit(context, fts3.new_job([slow("running")]))
wait_active(context, running)
same(fts3.ban_se(context, SE), [running])
job = wait(context, running)
same((job["job_state"], job["files"][0]["reason"]), ("CANCELED", "Storage banned"))
raises(Unauthorized, fts3.submit, context, fts3.new_job([slow("refused")]), part=f"{SE} is banned")
same([(it["se"], it["status"], it["admin_dn"]) for it in json.loads(context.get("/ban/se"))], [(SE, "CANCEL", me["user_dn"])])
same(fts3.unban_se(context, SE), None)
same(json.loads(context.get("/ban/se")), [])

# A storage that comes back soon: jobs are taken and wait.
same(fts3.ban_se(context, SE, status="wait", timeout=3600, allow_submit=True), [])
held = fts3.submit(context, fts3.new_job([fts3.new_transfer(SOURCE, f"{SE}/held?size_post=10&time=0")]))
same(fts3.get_job_status(context, held, list_files=True)["files"][0]["file_state"], "ON_HOLD")
fts3.unban_se(context, SE)
same(wait(context, held)["job_state"], "FINISHED")
raises(ClientError, fts3.ban_se, context, SE, status="cancel", allow_submit=True, part="can not be combined")
raises(ClientError, fts3.ban_se, context, "", part="Missing storage parameter")

# A user gets nowhere any more, not even to learn who they are.
fts3.delegate(other)
theirs = fts3.submit(other, fts3.new_job([slow("theirs")]))
same(fts3.ban_dn(context, them["user_dn"]), [theirs])
same(wait(context, theirs)["files"][0]["reason"], "User banned")
raises(Unauthorized, fts3.whoami, other, part="The user has been banned")
raises(Unauthorized, fts3.get_job_status, other, theirs)
same(fts3.unban_dn(context, them["user_dn"]), None)
same(fts3.whoami(other)["user_dn"], them["user_dn"])
raises(ClientError, fts3.ban_dn, context, me["user_dn"], part="409")

# All of it was written down.
audit = json.loads(context.get("/config/audit"))
actions = {it["action"] for it in audit}
assert actions >= {"ban-se", "unban-se", "ban-dn", "unban-dn"}, actions
same({it["dn"] for it in audit}, {me["user_dn"]})
holds(json.dumps(audit), SE)
