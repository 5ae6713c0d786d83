"""Easy bindings: submit, look, list, cancel, delete, stage."""

import time
import uuid

from check import SOURCE, UNKNOWN, ENDPOINT, destination, fts3, holds, raises, same, slow, wait, wait_active
from fts3.rest.client.exceptions import ClientError, NotFound

context = fts3.Context(ENDPOINT)
me = fts3.whoami(context)

# One transfer with everything the bindings can say; all of it comes back.
transfer = fts3.new_transfer(
    SOURCE,
    destination("one", more="&checksum=00001234"),
    checksum="ADLER32:1234",
    filesize=10,
    activity="Production",
    metadata={"request_id": "r-1", "nested": {"a": [1, None]}},
)
one = fts3.submit(context, fts3.new_job([transfer], metadata={"issuer": "tests"}))
job = wait(context, one)
wanted = {
    "job_state": "FINISHED", "job_type": "N", "verify_checksum": "t", "retry": -1, "retry_delay": 0, "priority": 3,
    "internal_job_params": "nostreams:1", "overwrite_flag": False, "space_token": "", "source_space_token": "",
    "bring_online": -1, "copy_pin_lifetime": -1, "cancel_job": False, "user_dn": me["user_dn"],
    "cred_id": me["delegation_id"], "vo_name": me["vos"][0], "http_status": "200 Ok",
    "source_se": "mock://source.example", "dest_se": "mock://destination.example", "dm": [],
}
same({key: job.get(key, "absent") for key in wanted}, wanted)
same(job["job_metadata"]["issuer"], "tests")
assert job["job_finished"], job
(file,) = job["files"]
wanted = {
    "file_state": "FINISHED", "file_index": 0, "checksum": "ADLER32:1234", "user_filesize": 10, "filesize": 10,
    "activity": "Production", "file_metadata": transfer["metadata"], "source_surl": SOURCE,
    "dest_surl": destination("one", more="&checksum=00001234"), "job_id": one, "vo_name": me["vos"][0],
}
same({key: file.get(key, "absent") for key in wanted}, wanted)
same(type(file["file_id"]), int)
assert file["start_time"] and file["finish_time"] and file["tx_duration"] is not None, file

# Several at once, in the order asked; only the members asked for.
two = fts3.submit(context, fts3.new_job([fts3.new_transfer(SOURCE, destination("two", size=11))]))
same(wait(context, two)["job_state"], "FAILED")
both = fts3.get_jobs_statuses(context, [two, one])
same([(it["job_id"], it["job_state"], it["http_status"]) for it in both],
     [(two, "FAILED", "200 Ok"), (one, "FINISHED", "200 Ok")])
both = fts3.get_jobs_statuses(context, [two, one], list_files=True)
keys = {"file_state", "dest_surl", "finish_time", "start_time", "reason", "source_surl", "file_metadata"}
same([set(it["files"][0]) for it in both], [keys, keys])
holds(both[0]["files"][0]["reason"], "DESTINATION [22] Source and destination file size mismatch")
same(fts3.get_jobs_statuses(context, [one])["job_id"], one)
# The client joins every message; when an entry has none, it shows the whole answer.
raises(ClientError, fts3.get_jobs_statuses, context, [one, UNKNOWN], part=f'"job_id":"{UNKNOWN}"')
raises(ClientError, fts3.get_jobs_statuses, context, [UNKNOWN, UNKNOWN], part=f'No job with the id "{UNKNOWN}" has been found\nNo')
raises(NotFound, fts3.get_jobs_statuses, context, [UNKNOWN])
raises(NotFound, fts3.get_job_status, context, UNKNOWN)

# What runs is listed, what has ended is not; every filter counts.
running = fts3.submit(context, fts3.new_job([slow("running")]))
wait_active(context, running)


def listed(**filters):
    return [it["job_id"] for it in fts3.list_jobs(context, **filters)]


same(listed(), [running])
same(listed(user_dn=me["user_dn"], vo=me["vos"][0]), [running])
same(listed(source_se="mock://source.example", dest_se="mock://destination.example"), [running])
same(listed(delegation_id=me["delegation_id"], state_in=["SUBMITTED", "ACTIVE"]), [running])
for none in ({"vo": "nosuchvo"}, {"source_se": "mock://nowhere"}, {"dest_se": "mock://nowhere"},
             {"delegation_id": me["delegation_id"], "state_in": ["FINISHED", "NOSUCHSTATE"]}):
    same(listed(**none), [], none)

# Cancelled as a whole; the second time it is told that it had ended.
done = fts3.cancel(context, running)
same((done["job_id"], done["job_state"], done["http_status"]), (running, "CANCELED", "200 Ok"))
same(done["reason"], "Job canceled by the user")
job = wait(context, running, lambda job: job["files"][0]["finish_time"])
same([it["file_state"] for it in job["files"]], ["CANCELED"])
same(job["cancel_job"], True)
again = fts3.cancel(context, running)
same((again["job_state"], again["http_status"]), ("CANCELED", "304 Not Modified"))
same(fts3.cancel(context, one)["job_state"], "FINISHED")
raises(NotFound, fts3.cancel, context, UNKNOWN)

# Cancelled by file; the last one takes the job with it.
parts = fts3.submit(context, fts3.new_job([slow("p0"), slow("p1"), slow("p2")]))
ids = [it["file_id"] for it in wait_active(context, parts)["files"]]
same(fts3.cancel(context, parts, ids[:1]), "CANCELED")
same(fts3.get_job_status(context, parts)["job_state"] in ("SUBMITTED", "ACTIVE"), True)
same(fts3.cancel(context, parts, [file["file_id"]]), "File does not belong to the job")
same(fts3.cancel(context, parts, ids[1:]), ["CANCELED", "CANCELED"])
same(wait(context, parts)["job_state"], "CANCELED")

# All of a VO, and all there is: this user is root.
left = [fts3.submit(context, fts3.new_job([slow("left")])) for _ in range(2)]
same(fts3.cancel_all(context, "nosuchvo"), {"affected_files": 0, "affected_dm": 0, "affected_jobs": 0})
same(fts3.cancel_all(context, me["vos"][0]), {"affected_files": 2, "affected_dm": 0, "affected_jobs": 2})
left.append(fts3.submit(context, fts3.new_job([slow("left")])))
same(fts3.cancel_all(context)["affected_jobs"], 1)
same([wait(context, it)["job_state"] for it in left], ["CANCELED"] * 3)

# Deletions: all, some, none.
there, gone = "mock://store.example/f?size=1", "mock://store.example/g?errno=2"
for surls, state in (([there], "FINISHED"), ([there, gone], "FINISHEDDIRTY"), ([gone], "FAILED")):
    job = wait(context, fts3.submit(context, fts3.new_delete_job(surls)))
    same((job["job_state"], job["job_type"], job["files"]), (state, None, []))
    same([it["source_surl"] for it in job["dm"]], surls)
    same([it["file_state"] for it in job["dm"]], ["FINISHED" if it == there else "FAILED" for it in surls])

# Staging is accepted, waits in its own state, and can be cancelled there.
staging = fts3.submit(context, fts3.new_staging_job(["mock://tape.example/f?size=1&staging_time=600"], bring_online=3600))
job = fts3.get_job_status(context, staging, list_files=True)
same((job["job_state"], job["bring_online"]), ("STAGING", 3600))
same(job["files"][0]["source_surl"], job["files"][0]["dest_surl"])
same(fts3.cancel(context, staging)["job_state"], "CANCELED")

# An id the client can work out by itself; the second one is a conflict.
sid = "tests-sid-1"
named = fts3.new_job([fts3.new_transfer(SOURCE, destination("named"))], id_generator="deterministic", sid=sid)
same(fts3.submit(context, named), str(uuid.uuid5(uuid.UUID(me["vos_id"][0]), sid)))
raises(ClientError, fts3.submit, context, named, part="409")

# As the analysis jobs of CMS ask for it: one session, checksums on both sides, hours in the queue.
SUMMED = SOURCE + "&checksum=00001234"
files = [
    fts3.new_transfer(SUMMED, destination(f"crab{n}", more="&checksum=00001234"),
                      checksum="ADLER32:00001234", filesize=10, metadata={"oracleId": n})
    for n in range(3)
]
crab = fts3.submit(context, fts3.new_job(files, verify_checksum=True, reuse=True, overwrite=True, retry=3, retry_delay=600, max_time_in_queue=10))
same(fts3.get_job_status(context, crab)["job_id"], crab)
job = wait(context, crab)
same((job["job_state"], job["job_type"], job["verify_checksum"], job["retry_delay"]), ("FINISHED", "Y", "b", 600))
same([it["file_metadata"]["oracleId"] for it in job["files"]], [0, 1, 2])
assert job["max_time_in_queue"] > time.time(), job
