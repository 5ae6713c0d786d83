"""What the scripts about commands share: running one as its users type it."""

import json
import os
import re
import subprocess
import sys

from check import ENDPOINT

BIN = os.path.dirname(sys.executable)
DN = "/DC=org/DC=causeway/CN=Dev User"


def command(name, *args, code=0):
    done = subprocess.run([f"{BIN}/fts-rest-{name}", "-s", ENDPOINT, *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, f"fts-rest-{name} {args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if code == 0 else done.stdout + done.stderr


def submitted(text):
    return re.search(r"^Job id: ([0-9a-f-]{36})$", text, re.M).group(1)


def status(job):
    return json.loads(command("transfer-status", "-j", job))
