"""Easy bindings: who am I, and the whole life of a delegation."""

import datetime
import os
import uuid

from check import ENDPOINT, SOURCE, destination, fts3, raises, same
from fts3.rest.client import Delegator, Submitter
from fts3.rest.client.exceptions import ClientError, FailedDependency, NeedDelegation, NotFound, Unauthorized
from fts3.rest.client.request import Request

DN = "/DC=org/DC=causeway/CN=Dev User"
BASE_ID = "01874efb-4735-4595-bc9c-591aef8240c9"

context = fts3.Context(ENDPOINT)
info = context.get_endpoint_info()
same([type(info["api"][key]) for key in ("major", "minor", "patch")], [int] * 3, "api")
same([type(info["core"][key]) for key in ("major", "minor", "patch")], [str] * 3, "core")
same(type(info["schema"]["major"]), int, "schema")

# Who am I, with the proxy found in the environment.
me = fts3.whoami(context)
same(me["method"], "certificate")
same(me["user_dn"], DN)
same(me["dn"][0], DN)
same(me["base_id"], BASE_ID)
same(me["is_root"], True)
same(len(me["delegation_id"]), 16)
same(me["vos"], ["DevUser@causeway.org"])
same(me["vos_id"], [str(uuid.uuid5(uuid.UUID(BASE_ID), me["vos"][0]))])
same(me["level"]["transfer"], "all")

# The plain certificate is the same person.
environment = os.environ
pki = os.path.dirname(environment["X509_USER_PROXY"])
user = fts3.Context(ENDPOINT, ucert=f"{pki}/usercert.pem", ukey=f"{pki}/userkey.pem")
same(fts3.whoami(user)["delegation_id"], me["delegation_id"])

# Nobody.
nobody = Request(None, None, capath=environment["X509_CERT_DIR"])
raises(Unauthorized, nobody.method, "GET", f"{ENDPOINT}//jobs")
raises(Unauthorized, nobody.method, "GET", f"{ENDPOINT}//whoami/certificate")
assert '"anon"' in nobody.method("GET", f"{ENDPOINT}//whoami")

# The certificate comes back as it was shown.
pem = context.get("/whoami/certificate")
same(pem.count("BEGIN CERTIFICATE"), 2, "proxy and user")

# Nothing delegated yet.
delegator = Delegator(context)
same(delegator.get_info(), None)
job = [{"sources": [SOURCE], "destinations": [destination("x")]}]
raises(NeedDelegation, Submitter(context).submit, transfers=job)
raises(NotFound, context.delete, f"/delegation/{me['delegation_id']}")
raises(Unauthorized, context.get, "/delegation/0123456789abcdef")


def life():
    found = delegator.get_info()
    same(found["voms_attrs"], [""])
    end = datetime.datetime.strptime(found["termination_time"], "%Y-%m-%dT%H:%M:%S")
    return (end - datetime.datetime.utcnow()).total_seconds() / 3600


# Delegated for the default of seven hours, then left alone, then renewed on demand.
same(fts3.delegate(context), me["delegation_id"])
assert 6.9 < life() < 7.01, life()
fts3.delegate(context, lifetime=datetime.timedelta(hours=10))
assert 6.9 < life() < 7.01, life()
fts3.delegate(context, lifetime=datetime.timedelta(hours=10), force=True)
assert 9.9 < life() < 10.01, life()

# A legacy proxy of the plain certificate is taken too.
fts3.delegate(user, lifetime=datetime.timedelta(hours=5), force=True, legacy_mode=True)
assert 4.9 < life() < 5.01, life()

# Too short to be of use.
fts3.delegate(context, lifetime=datetime.timedelta(minutes=30), force=True)
raises(NeedDelegation, Submitter(context).submit, transfers=job)

# VOMS of a VO nobody knows; a body that is no list.
raises(FailedDependency, context.post_json, f"/delegation/{me['delegation_id']}/voms", '["nosuchvo"]')
raises(ClientError, context.post_json, f"/delegation/{me['delegation_id']}/voms", '{"vo": 1}', part="Bad request")

# Bad credentials are refused and change nothing.
before = delegator.get_info()
raises(ClientError, context.put, f"/delegation/{me['delegation_id']}/credential", "no certificate", part="Bad request")
same(delegator.get_info(), before)

# Taken back.
same(context.delete(f"/delegation/{me['delegation_id']}"), "")
same(delegator.get_info(), None)
raises(NeedDelegation, Submitter(context).submit, transfers=job)
