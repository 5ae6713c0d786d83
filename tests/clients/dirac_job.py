"""DIRAC's `FTS3Job`, unchanged: submit, monitor and cancel, as its FTS3 agent calls them.

What DIRAC would look up in its configuration service, the storages, is told here; everything else
is the code that runs at the experiments.
"""

import errno
import os
import time

from DIRAC import S_ERROR, S_OK
from DIRAC.DataManagementSystem.Client import FTS3Job as module
from DIRAC.DataManagementSystem.Client.FTS3File import FTS3File

from check import ENDPOINT, UNKNOWN, fts3, holds, same

FTS3Job = module.FTS3Job
PROXY = os.environ["X509_USER_PROXY"]


class Storage:
    """A storage element: `TAPE-...` is on tape, and its name is its host."""

    localStageProtocolList = ["stage"]
    options = {"BringOnlineTimeout": 600}

    def __init__(self, name, vo=None):
        self.name = name
        self.isTape = name.startswith("TAPE")

    def getStorageParameters(self, protocol):
        return S_ERROR(errno.ENOPROTOOPT, f"no {protocol} here")

    def getStatus(self):
        return S_OK({"TapeSE": self.isTape})

    def url(self, lfn, more=""):
        return f"mock://{self.name.lower()}.example{lfn}?checksum=0000abcd&size=10&size_post=10{more}"

    def generateTransferURLsBetweenSEs(self, lfns, source, protocols=None):
        done = {}
        for lfn in lfns:
            seconds = "600" if "slow" in lfn else "1"
            broken = "&errno=2" if "missing" in lfn else ""
            done[lfn] = (source.url(lfn, broken), self.url(lfn, f"&time={seconds}"))
        return S_OK({"Successful": done, "Failed": {}, "Protocols": ("mock", "mock")})

    def getURL(self, lfns, protocol=None):
        return S_OK({"Successful": {lfn: self.url(lfn, "&staging_time=1") for lfn in lfns}, "Failed": {}})


module.StorageElement = Storage
# DIRAC would fetch the numbers of experiments from the network.
module.get_scitag = lambda vo, activity=None: 1 << 6 | 1


def job(*lfns, source="DISK-A", target="DISK-B", hop=None):
    new = FTS3Job()
    new.type = "Transfer"
    new.sourceSE, new.targetSE, new.multiHopSE = source, target, hop
    new.activity, new.priority, new.vo = "Data Replication", 4, "lhcb"
    new.username, new.userGroup = "user", "group"
    new.operationID, new.rmsReqID = 12, 7
    new.ftsServer = ENDPOINT
    new.filesToSubmit = []
    for number, lfn in enumerate(lfns, start=1):
        file = FTS3File()
        file.fileID, file.lfn, file.checksum, file.size, file.targetSE = number, lfn, "0000ABCD", 10, target
        new.filesToSubmit.append(file)
    return new


def good(result):
    assert result["OK"], result
    return result["Value"]


def submitted(new):
    ids = good(new.submit(context=context))
    same({file.status for file in new.filesToSubmit}, {"Submitted"})
    same({file.ftsGUID for file in new.filesToSubmit}, {new.ftsGUID})
    return ids


def monitored(new, wish, limit=60):
    """Polls as the agent does; an inconsistent answer is an error of DIRAC's own."""
    end = time.time() + limit
    while True:
        files = good(new.monitor(context=context))
        assert new.status in FTS3Job.ALL_STATES, new.status
        assert all(it["status"] in FTS3File.ALL_STATES for it in files.values()), files
        if wish(new):
            return files
        assert time.time() < end, (new.status, files)
        time.sleep(0.1)


def finished(new):
    return monitored(new, lambda it: it.status in FTS3Job.FINAL_STATES)


context = good(FTS3Job.generateContext(ENDPOINT, PROXY, lifetime=12 * 3600))

# Some files go well, one does not and never will: DIRAC reads that it is not recoverable.
some = job("/lhcb/a", "/lhcb/b", "/lhcb/missing")
same(submitted(some), {1, 2, 3})
files = finished(some)

same(some.status, "Finisheddirty")
same({number: it["status"] for number, it in files.items()}, {1: "Finished", 2: "Finished", 3: "Defunct"})
holds(files[3]["error"], "No such file or directory")
same([files[number]["ftsGUID"] for number in (1, 2, 3)], [None] * 3)
same(some.completeness, 100)
same(sum(it["TransferSize"] for it in some.accountingDicts), 20)

# What DIRAC asked for has arrived.
seen = fts3.get_job_status(context, some.ftsGUID, list_files=True)
same((seen["priority"], seen["retry"], seen["verify_checksum"], seen["overwrite_flag"]), (4, 3, "t", True))
same({key: seen["job_metadata"][key] for key in ("operationID", "rmsReqID", "sourceSE", "targetSE")},
     {"operationID": 12, "rmsReqID": 7, "sourceSE": "DISK-A", "targetSE": "DISK-B"})
same(seen["files"][0]["file_metadata"], {"desc": "Transfer 1", "fileID": 1, "activity": "Data Replication"})
same((seen["bring_online"], seen["copy_pin_lifetime"], seen["job_type"]), (-1, -1, "N"))

# Over a third storage: only the last hop counts for DIRAC.
hops = job("/lhcb/hops", hop="DISK-C")
submitted(hops)
same(finished(hops), {1: {"status": "Finished", "error": None, "ftsGUID": None}})
same(fts3.get_job_status(context, hops.ftsGUID)["job_type"], "H")

# From tape: the first hop stages, from a URL to itself, the second one copies.
tape = job("/lhcb/tape", source="TAPE-A")
submitted(tape)
same(finished(tape)[1]["status"], "Finished")
seen = fts3.get_job_status(context, tape.ftsGUID, list_files=True)
same((seen["job_state"], seen["job_type"], seen["bring_online"]), ("FINISHED", "H", 600))
first = seen["files"][0]
same(first["source_surl"], first["dest_surl"])
assert first["staging_start"] and first["staging_finished"], first

# Cancelled while it runs.
slow = job("/lhcb/slow1", "/lhcb/slow2")
submitted(slow)
monitored(slow, lambda it: it.status == "Active")
good(slow.cancel(context))
same((slow.status, slow.error), ("Canceled", "Matching RMS Request was canceled"))
same({it["status"] for it in finished(slow).values()}, {"Canceled"})
good(slow.cancel(context))

# Nobody knows that job.
lost = job("/lhcb/lost")
lost.ftsGUID = UNKNOWN
for result in (lost.monitor(context=context), lost.cancel(context)):
    same((result["OK"], result["Errno"]), (False, errno.ESRCH))
same(lost.status, "Failed")
