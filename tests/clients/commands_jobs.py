"""The commands of the `fts3` package for users and their jobs, as they type them."""

import json
import tempfile

from check import SOURCE, UNKNOWN, destination, holds, same
from commands import DN, command, status, submitted

# Who am I.
text = command("whoami")
holds(text, f"User DN: {DN}")
holds(text, "VO: DevUser@causeway.org")
holds(text, "Base id: 01874efb-4735-4595-bc9c-591aef8240c9")
me = json.loads(command("whoami", "-j"))
holds(text, f"Delegation id: {me['delegation_id']}")

# Delegate.
same(command("delegate").strip(), f"Delegation id: {me['delegation_id']}")
same(command("delegate", "-f", "-H", "2").strip(), f"Delegation id: {me['delegation_id']}")

# Submit and wait for the end; the result is told.
text = command("transfer-submit", "-b", "-i", "1", SOURCE, destination("waited", seconds=1))
holds(text, "Job finished with state FINISHED")
done = status(submitted(text))
same((done["job_state"], done["verify_checksum"], done["retry"]), ("FINISHED", "n", 0))
same((len(done["files"]), done["dm"]), (1, []))
same(done["files"][0]["checksum"], "ADLER32")
text = command("transfer-submit", "-b", "-i", "1", "mock://source.example/f?errno=2", destination("missing"))
holds(text, "Job finished with state FAILED")
reason = status(submitted(text))["files"][0]["reason"]
assert reason.startswith("SOURCE [2] "), reason

# Options reach the job.
text = command(
    "transfer-submit", "-o", "-K", "--retry", "2", "-p", "5", "--nostreams", "4", "--timeout", "1800", "--buffer-size", "1025",
    "--strict-copy", "--ipv4", "--activity", "Data Export", "--job-metadata", '{"a": 1}', "--file-metadata", "a label",
    SOURCE, destination("options"), "ADLER32:24",
)
done = status(submitted(text))
same(
    (done["overwrite_flag"], done["verify_checksum"], done["retry"], done["priority"], done["internal_job_params"]),
    (True, "b", 2, 5, "nostreams:4,timeout:1800,buffersize:1025,strict,ipv4"),
)
same(done["job_metadata"]["a"], 1)
file = done["files"][0]
same((file["activity"], file["checksum"], file["file_metadata"]), ("Data Export", "ADLER32:24", {"label": "a label"}))

# A bulk from a file, and a dry run that sends nothing.
with tempfile.NamedTemporaryFile("w", suffix=".json") as bulk:
    files = [{"sources": [SOURCE], "destinations": [destination(f"bulk{n}")], "metadata": {"n": n}} for n in range(3)]
    json.dump({"files": files, "params": {"priority": 1}}, bulk)
    bulk.flush()
    job = json.loads(command("transfer-submit", "-j", "-f", bulk.name))
    done = status(job)
    same((len(done["files"]), done["priority"]), (3, 1))
    same([it["file_metadata"] for it in done["files"]], [{"n": 0}, {"n": 1}, {"n": 2}])
    same(len(json.loads(command("transfer-submit", "--dry-run", "-f", bulk.name))["files"]), 3)

# Look, list, cancel.
text = command("transfer-submit", SOURCE, destination("running", seconds=600))
running = submitted(text)
text = command("transfer-status", running)
for line in (f"Request ID: {running}", f"Client DN: {DN}", "Priority: 3", "VO Name: DevUser@causeway.org"):
    holds(text, line)
holds(command("transfer-list"), f"Request ID: {running}")
filters = ("-u", DN, "-o", "DevUser@causeway.org", "--source", "mock://source.example", "--destination", "mock://destination.example")
same([it["job_id"] for it in json.loads(command("transfer-list", "-j", *filters))], [running])
same(json.loads(command("transfer-list", "-j", "-o", "nosuchvo")), [])
same(command("transfer-cancel", running).strip(), "CANCELED")
same(command("transfer-cancel", running).strip(), "CANCELED")
same(json.loads(command("transfer-list", "-j")), [])

# Cancel by file.
with tempfile.NamedTemporaryFile("w", suffix=".json") as bulk:
    json.dump({"files": [{"sources": [SOURCE], "destinations": [destination(f"c{n}", seconds=600)]} for n in range(3)]}, bulk)
    bulk.flush()
    job = submitted(command("transfer-submit", "-f", bulk.name))
ids = [str(it["file_id"]) for it in status(job)["files"]]
same(command("transfer-cancel", f"{job}:{ids[0]}").strip(), "CANCELED")
same(command("transfer-cancel", f"{job}:{ids[1]},{ids[2]}").split(), ["CANCELED", "CANCELED"])
same(status(job)["job_state"], "CANCELED")

# What fails says so and ends with 1.
holds(command("transfer-status", UNKNOWN, code=1), UNKNOWN)
holds(command("transfer-cancel", UNKNOWN, code=1), f'No job with the id "{UNKNOWN}" has been found')
holds(command("transfer-submit", "/etc/passwd", destination("x"), code=1), "Missing scheme (/etc/passwd)")
