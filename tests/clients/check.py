"""What the client scripts share: checks that stop the script, and waiting with a limit.

The scripts use the `fts3` package as anybody gets it from PyPI; nothing of it is changed here.
"""

import os
import time

import fts3.rest.client.easy as fts3

ENDED = ("FINISHED", "FAILED", "CANCELED", "FINISHEDDIRTY")
FILE_ENDED = ("FINISHED", "FAILED", "CANCELED", "NOT_USED")
ENDPOINT = os.environ["FTS_ENDPOINT"]
UNKNOWN = "00000000-1111-5222-8333-444444444444"
SOURCE = "mock://source.example/f?size=10"


def same(got, wanted, what=""):
    assert got == wanted, f"{what}: wanted {wanted!r}, got {got!r}"


def holds(text, part):
    assert part in str(text), f"{part!r} is not in {text!r}"


def raises(kind, call, *args, part="", **more):
    """The call fails with exactly this exception, whose text holds `part`."""
    try:
        result = call(*args, **more)
    except Exception as error:  # noqa: BLE001 - the class is what is checked
        assert type(error) is kind, f"wanted {kind.__name__}, got {type(error).__name__}: {error}"
        holds(error, part)
        return error
    raise AssertionError(f"wanted {kind.__name__}, got {result!r}")


def destination(name, size=10, seconds=0, more=""):
    return f"mock://destination.example/{name}?size_post={size}&time={seconds}{more}"


def slow(name):
    """A transfer that runs until it is cancelled."""
    return fts3.new_transfer(SOURCE, destination(name, seconds=600))


def wait(context, job_id, wish=lambda job: job["job_state"] in ENDED, limit=60):
    """Polls like a user; at every read job and files must fit together."""
    end = time.time() + limit
    while True:
        job = fts3.get_job_status(context, job_id, list_files=True)
        if job["job_state"] in ENDED:
            # The files were read after the job: once it has ended, so have they all.
            states = [file["file_state"] for file in job["files"]]
            assert all(state in FILE_ENDED for state in states), (job["job_state"], states)
        if wish(job):
            return job
        assert time.time() < end, f"not within {limit} s: {job}"
        time.sleep(0.1)


def wait_active(context, job_id):
    return wait(context, job_id, lambda job: any(f["file_state"] == "ACTIVE" for f in job["files"]))
