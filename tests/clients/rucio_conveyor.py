"""Rucio's conveyor, unchanged: a rule asks for a copy, the submitter sends it, the poller sees its
end, the finisher makes the rule OK. One that cannot work ends as STUCK."""

import time
import uuid

import rucio_setup
from rucio_setup import ENDPOINT, same

from rucio.common.types import InternalAccount, InternalScope
from rucio.core.account_limit import set_local_account_limit
from rucio.core.distance import add_distance
from rucio.core.replica import add_replicas
from rucio.core.request import get_request_by_did
from rucio.core.rse import add_protocol, add_rse, add_rse_attribute
from rucio.core.rule import add_rule, get_rule
from rucio.core.scope import add_scope
from rucio.daemons.conveyor.finisher import finisher
from rucio.daemons.conveyor.poller import poller
from rucio.daemons.conveyor.submitter import submitter
from rucio.db.sqla.constants import RequestState, RuleState
from rucio.db.sqla.session import transactional_session
from rucio.rse.translation import RSEDeterministicTranslation

ROOT, SCOPE = InternalAccount("root"), InternalScope("mock")


def scripted(scope, name, rse, rse_attrs, protocol_attrs):
    """Names of files at the storages: what the mock storage shall do stands in the query."""
    told = "errno=2" if name.startswith("missing") else "size=10&checksum=0000abcd"
    return f"{scope}/{name}?{told}&size_post=10&time=1"


RSEDeterministicTranslation.register(scripted, "scripted")


@transactional_session
def storage(name, *, session):
    domains = {domain: {"read": 1, "write": 1, "delete": 1} for domain in ("lan", "wan")}
    domains["wan"] |= {"third_party_copy_read": 1, "third_party_copy_write": 1}
    id = add_rse(name, session=session)
    add_protocol(id, {"scheme": "mock", "hostname": f"{name.lower()}.example", "port": 0, "prefix": "/rucio/",
                      "impl": "rucio.rse.protocols.mock.Default", "domains": domains}, session=session)
    for key, value in (("fts", ENDPOINT), ("lfn2pfn_algorithm", "scripted")):
        add_rse_attribute(id, key, value, session=session)
    set_local_account_limit(ROOT, id, -1, session=session)
    return id


@transactional_session
def world(*, session):
    add_scope(SCOPE, ROOT, session=session)
    a, b = storage("SITE-A", session=session), storage("SITE-B", session=session)
    add_distance(a, b, distance=1, session=session)
    return a, b


@transactional_session
def wish(name, source, *, session):
    """A file that is at one site, and a rule that wants it at the other."""
    file = {"scope": SCOPE, "name": f"{name}.{uuid.uuid4().hex}"}
    add_replicas(source, [file | {"bytes": 10, "adler32": "0000abcd"}], ROOT, session=session)
    (rule,) = add_rule([file], ROOT, 1, "SITE-B", "NONE", None, None, False, None, activity="User Subscriptions", session=session)
    return file, rule


def requested(file):
    return get_request_by_did(SCOPE, file["name"], SITE_B)


SITE_A, SITE_B = world()
wishes = {name: wish(name, SITE_A) for name in ("good", "better", "missing")}
same({get_rule(rule)["state"] for _, rule in wishes.values()}, {RuleState.REPLICATING})

# Submit: one job for all of them, since they want the same.
submitter(once=True, bulk=100, group_bulk=100, group_policy="dest", partition_wait_time=0)
sent = {name: requested(file) for name, (file, _) in wishes.items()}
same({it["state"] for it in sent.values()}, {RequestState.SUBMITTED})
same({it["external_host"] for it in sent.values()}, {ENDPOINT})
same(len({it["external_id"] for it in sent.values()}), 1, "jobs")

# Poll until nothing is open any more.
end = time.time() + 60
while any(requested(file)["state"] == RequestState.SUBMITTED for file, _ in wishes.values()):
    assert time.time() < end, [requested(file) for file, _ in wishes.values()]
    time.sleep(0.5)
    poller(once=True, older_than=0, partition_wait_time=0)
ended = {name: requested(file) for name, (file, _) in wishes.items()}
same({name: it["state"] for name, it in ended.items()},
     {"good": RequestState.DONE, "better": RequestState.DONE, "missing": RequestState.FAILED})
assert "No such file or directory" in ended["missing"]["err_msg"], ended["missing"]
assert ended["good"]["started_at"] and ended["good"]["transferred_at"], ended["good"]

# Finish: the copies are there, and the rules know.
finisher(once=True, partition_wait_time=0)
same({name: get_rule(rule)["state"] for name, (_, rule) in wishes.items() if name != "missing"},
     {"good": RuleState.OK, "better": RuleState.OK})
# What failed is tried again: the request stands in the queue once more.
same(requested(wishes["missing"][0])["retry_count"], 1)
