"""The commands of the `fts3` package with a token, and nothing else to be known by."""

import json
import os
import tempfile

from check import SOURCE, UNKNOWN, destination, holds, same
import commands

for name in ("X509_USER_PROXY", "X509_USER_CERT", "X509_USER_KEY"):
    os.environ.pop(name, None)
TOKEN = os.environ.pop("TOKEN")
FROM, TO = os.environ.pop("SOURCE_TOKEN"), os.environ.pop("DESTINATION_TOKEN")


def command(name, *args, code=0, token=TOKEN):
    return commands.command(name, "--fts-access-token", token, *args, code=code)


def submit(*args, code=0):
    return command("transfer-submit", "--src-access-token", FROM, "--dst-access-token", TO, *args, code=code)


def status(job):
    return json.loads(command("transfer-status", "-j", job))


# Who am I.
text = command("whoami")
holds(text, "User DN: sub-1")
holds(text, "VO: dteam")
me = json.loads(command("whoami", "-j"))
same((me["method"], me["voms_cred"], me["level"]["transfer"]), ("oauth2", ["/dteam"], "vo"))

# Submit and wait for the end; without a certificate the client delegates nothing.
text = submit("-b", "-i", "1", "--job-metadata", '{"a": 1}', SOURCE, destination("waited", seconds=1))
holds(text, "Job finished with state FINISHED")
done = status(commands.submitted(text))
same((done["user_dn"], done["vo_name"], done["cred_id"]), ("sub-1", "dteam", me["delegation_id"]))
same(done["job_metadata"], {"a": 1, "auth_method": "oauth2"})
# The old way to say it: one token for everything.
text = commands.command("transfer-submit", "--access-token", TOKEN, "--unmanaged-tokens", "-b", "-i", "1", SOURCE, destination("old", seconds=1))
holds(text, "Job finished with state FINISHED")

# A bulk, with tokens of its own for each file.
with tempfile.NamedTemporaryFile("w", suffix=".json") as bulk:
    files = [
        {"sources": [SOURCE], "destinations": [destination(f"bulk{n}")], "source_tokens": [FROM], "destination_tokens": [TO]}
        for n in range(3)
    ]
    json.dump({"files": files}, bulk)
    bulk.flush()
    job = commands.submitted(command("transfer-submit", "-b", "-i", "1", "-f", bulk.name))
same([it["file_state"] for it in status(job)["files"]], ["FINISHED"] * 3)

# Look, list, cancel.
running = commands.submitted(submit(SOURCE, destination("running", seconds=600)))
for line in (f"Request ID: {running}", "Client DN: sub-1", "VO Name: dteam", "Priority: 3"):
    holds(command("transfer-status", running), line)
same([it["job_id"] for it in json.loads(command("transfer-list", "-j"))], [running])
same([it["job_id"] for it in json.loads(command("transfer-list", "-j", "-u", "sub-1", "-o", "dteam"))], [running])
same(command("transfer-cancel", running).strip(), "CANCELED")
same(json.loads(command("transfer-list", "-j")), [])
running = commands.submitted(submit(SOURCE, destination("file", seconds=600)))
same(command("transfer-cancel", f"{running}:{status(running)['files'][0]['file_id']}").strip(), "CANCELED")

# What only a certificate can show: a delegation of it, and the state of the service.
holds(command("delegate", code=1), "Certificate required")
holds(command("server-status", code=1), "Certificate required")
# What this user may not do, whatever they come with.
holds(command("ban", "--storage", "mock://down.example", code=1), "Not enough permissions")
holds(command("ban", "--user", "/CN=Nobody in particular", code=1), "Not enough permissions")

# What fails says so and ends with 1, also for a token that somebody changed on the way.
holds(command("transfer-status", UNKNOWN, code=1), UNKNOWN)
changed = TOKEN[:-8] + "AAAAAAAA"
for name, *args in (("whoami",), ("transfer-list",), ("transfer-status", running), ("transfer-cancel", running)):
    holds(command(name, *args, code=1, token=changed), "Invalid credentials (")
