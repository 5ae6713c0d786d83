"""Rucio's `FTS3Transfertool`, unchanged: every call it can make, against a real job.

The transfers given to it have the members that the tool reads; where Rucio takes them from its
database is shown in `rucio_conveyor.py`.
"""

import time
import uuid
from types import SimpleNamespace

import rucio_setup
from rucio_setup import ENDPOINT, same

from rucio.common.exception import TransferToolWrongAnswer
from rucio.common.types import InternalAccount, InternalScope
from rucio.db.sqla.constants import RequestState, RequestType
from rucio.db.sqla.session import get_session
from rucio.transfertool.fts3 import FTS3Transfertool

UNKNOWN = "00000000-1111-5222-8333-444444444444"
SOURCE = "mock://source.example/f?size=10&checksum=0000abcd"


def rse(name, tape=False):
    return SimpleNamespace(
        id=uuid.uuid4().hex, name=name, attributes={"supported_checksums": "adler32"}, columns={"vo": "def"},
        is_tape=lambda: tape, is_tape_or_staging_required=lambda: tape,
    )


def transfer(destination, *sources, tape=False):
    sides = [SimpleNamespace(rse=rse(f"SOURCE{n}", tape), url=url) for n, url in enumerate(sources or [SOURCE])]
    request = uuid.uuid4().hex
    return SimpleNamespace(
        src=sides[0], sources=sides, source_url=lambda it: it.url, dest_url=destination, operation_dest="third_party_copy_write",
        dst=SimpleNamespace(rse=rse("DESTINATION"), scheme="mock"),
        protocol_factory=SimpleNamespace(protocol=lambda *_: SimpleNamespace(attributes={})),
        rws=SimpleNamespace(
            request_id=request, rule_id=uuid.uuid4().hex, scope=InternalScope("user.jdoe"), name=f"file.{request}",
            account=InternalAccount("root"), activity="User Subscriptions", request_type=RequestType.TRANSFER,
            byte_count=10, adler32="0000abcd", md5=None, priority=4, attributes={},
        ),
    )


def to(name, seconds=1, more=""):
    return f"mock://destination.example/{name}?size_post=10&checksum=0000abcd&time={seconds}{more}"


def tool(**more):
    return FTS3Transfertool(ENDPOINT, group_bulk=100, group_policy="dest", **more)


def submitted(*transfers, **more):
    """Grouped and submitted as the conveyor does it; gives the job's id."""
    (job,) = tool(**more).group_into_submit_jobs([[it] for it in transfers])
    return tool(**more).submit(transfers=job["transfers"], job_params=job["job_params"], timeout=30)


def row(job, request):
    """What Rucio's database says about a request that was submitted."""
    return {"id": request.rws.request_id, "external_id": job, "external_host": ENDPOINT, "state": RequestState.SUBMITTED,
            "attributes": {}, "bytes": 10, "adler32": "0000abcd", "md5": None}


def asked(*jobs):
    return {job: {it.rws.request_id: row(job, it) for it in transfers} for job, transfers in jobs}


def outcome(report, session):
    return report.get_db_fields_to_update(session=session)


def settled(job, *transfers, limit=60):
    """Polls one job until nothing of it is open; Rucio's own code draws the conclusions."""
    end = time.time() + limit
    while True:
        answers = tool().bulk_query(asked((job, transfers)), timeout=30)
        same(list(answers), [job])
        session = get_session()()
        done = {request: outcome(report, session) for request, report in answers[job].items()}
        session.close()
        if done and all("state" in it for it in done.values()):
            return [done[it.rws.request_id] for it in transfers]
        assert time.time() < end, done
        time.sleep(0.1)


# Who am I, and whom do I talk to.
me = tool().whoami()
same(me["method"], "certificate")
version = tool().version()
assert isinstance(version["schema"]["major"], int) and version["schema"]["major"] >= 8, version

# One job of two files: one goes well, one does not.
good, bad = transfer(to("good")), transfer(to("bad"), "mock://source.example/g?errno=2")
job = submitted(good, bad)
done = settled(job, good, bad)
same([it["state"] for it in done], [RequestState.DONE, RequestState.FAILED])
assert done[0]["external_id"] == job and done[0]["started_at"] <= done[0]["transferred_at"], done
assert "No such file or directory" in done[1]["err_msg"], done
(read,) = tool().query([job])
same((read["job_state"], read["priority"], read["verify_checksum"]), ("FINISHEDDIRTY", 4, "b"))
same((read["job_metadata"]["issuer"], read["job_metadata"]["multi_sources"]), ("rucio", False))
# A disk source with a pin lifetime and nothing to bring online is an ordinary transfer.
same((read["copy_pin_lifetime"], read["bring_online"], read["job_type"]), (172800, -1, "N"))
files = tool().query([job], details=True)
same({it["file_metadata"]["request_id"] for it in files}, {good.rws.request_id, bad.rws.request_id})
same(files[0]["checksum"], "ADLER32:0000abcd")

# Many ids in one question: done, running, and one that nobody knows.
slow = transfer(to("slow", 600))
running = submitted(slow)
answers = tool().bulk_query(asked((job, [good, bad]), (running, [slow]), (UNKNOWN, [slow])), timeout=30)
same(set(answers), {job, running, UNKNOWN})
same((len(answers[job]), len(answers[running]), answers[UNKNOWN]), (2, 1, None))
session = get_session()()
same(outcome(answers[running][slow.rws.request_id], session), {})
session.close()
# A single id that nobody knows is lost, too.
same(tool().bulk_query(asked((UNKNOWN, [slow])), timeout=30), {UNKNOWN: None})

# Priority, then cancel; the second time there is nothing left to do.
same(tool().update_priority(running, 5)["priority"], 5)
assert "http_message" in tool().update_priority(running, 2)
same(tool().cancel([running])["job_state"], "CANCELED")
same(settled(running, slow)[0]["state"], RequestState.FAILED)
same(tool().cancel([running])["http_status"], "304 Not Modified")

# Several sources: the one that works is found, and named.
multi = transfer(to("multi"), "mock://broken.example/f?errno=2", SOURCE)
job = submitted(multi)
end = time.time() + 60
while tool().query([job])[0]["job_state"] not in ("FINISHED", "FAILED", "FINISHEDDIRTY"):
    assert time.time() < end
    time.sleep(0.1)
answers = tool().bulk_query(asked((job, [multi])), timeout=30)
report = answers[job][multi.rws.request_id]
same((report.file_response["file_state"], report.file_response["source_surl"]), ("FINISHED", SOURCE))
same(tool().query([job])[0]["job_type"], "R")

# From tape: brought online first.
tape = transfer(to("tape"), SOURCE + "&staging_time=1", tape=True)
job = submitted(tape, bring_online=600)
(done,) = settled(job, tape)
same(done["state"], RequestState.DONE)
assert done["staging_started_at"] <= done["staging_finished_at"], done
same(tool().query([job])[0]["bring_online"], 600)

# Ids that Rucio computes before it asks.
rucio_setup.setting("conveyor", "use_deterministic_id", "True")
named = transfer(to("named"))
job = submitted(named)
vo = uuid.uuid5(uuid.UUID(me["base_id"]), me["vos"][0])
same(job, str(uuid.uuid5(vo, named.rws.request_id)))
# The second time it is refused, and Rucio polls for the id that it expects.
same(submitted(named), job)
same(len(tool().query([job], details=True)), 1)
rucio_setup.setting("conveyor", "use_deterministic_id", "False")

# A submission that is refused is told to be so.
try:
    submitted(transfer("mock://destination.example"))
    raise AssertionError("a URL without a path")
except TransferToolWrongAnswer:
    pass

# Storages: banned and released, limited and looked at.
SE = "mock://banned.example"
same(tool().list_se_status(), [])
same(tool().set_se_status(SE, "down for the day", ban=True), 0)
(ban,) = tool().list_se_status()
same((ban["se"], ban["message"], ban["status"], ban["admin_dn"]), (SE, "down for the day", "CANCEL", me["user_dn"]))
try:
    submitted(transfer("mock://banned.example/f?size_post=10&time=0"))
    raise AssertionError("a banned storage takes transfers")
except TransferToolWrongAnswer:
    pass
same(tool().set_se_status(SE, "a while", ban=True, timeout=3600), 0)
same(tool().list_se_status()[0]["status"], "WAIT")
same(tool().set_se_status(SE, "", ban=False), 0)
same(tool().list_se_status(), [])

stored = tool().set_se_config(SE, inbound_max_active=11, outbound_max_active=55, inbound_max_throughput=33.5, staging=7)
assert stored, stored
read = tool().get_se_config(SE)
same({key: read["se_info"][key] for key in ("inbound_max_active", "outbound_max_active", "inbound_max_throughput")},
     {"inbound_max_active": 11, "outbound_max_active": 55, "inbound_max_throughput": 33.5})
same([limits["staging"] for limits in read["operations"].values()], [7])
same(tool().set_se_config(SE, outbound_max_active=3) is not None, True)
read = tool().get_se_config(SE)
same((read["se_info"]["inbound_max_active"], read["se_info"]["outbound_max_active"]), (11, 3))
