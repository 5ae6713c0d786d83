"""The commands of the `fts3` package that delete, ban, and look at the service."""

import time

from check import SOURCE, destination, holds, same
from commands import DN, command, status, submitted

# Delegate first: nothing is taken without.
holds(command("delegate"), "Delegation id: ")

# Delete.
text = command("delete-submit", "-b", "-i", "1", "mock://store.example/f?size=1", "mock://store.example/g?size=1")
holds(text, "Job finished with state FINISHED")
text = command("delete-submit", "-b", "-i", "1", "mock://store.example/f?errno=2")
holds(text, "Job finished with state FAILED")

# Ban a storage: what is under way is cancelled and told, and nothing new is taken.
SE = "mock://down.example"


def to_se(name, seconds=0):
    return command("transfer-submit", SOURCE, f"{SE}/{name}?size_post=10&time={seconds}")


holds(command("ban", "--storage", SE), "No jobs affected")
same(command("ban", "--storage", SE, "--unban"), "")
running = submitted(to_se("running", 600))
text = command("ban", "--storage", SE, "--status", "cancel")
holds(text, "Affected jobs:")
holds(text, running)
done = status(running)
same((done["job_state"], done["files"][0]["file_state"], done["files"][0]["reason"]), ("CANCELED", "CANCELED", "Storage banned"))
holds(command("transfer-submit", SOURCE, f"{SE}/refused?size_post=10", code=1), f"{SE} is banned")

# Ban it so that jobs wait; the time is sent as a text.
holds(command("ban", "--storage", SE, "--status", "wait", "--timeout", "3600", "--allow-submit"), "No jobs affected")
held = submitted(to_se("held"))
same([it["file_state"] for it in status(held)["files"]], ["ON_HOLD"])
same(command("ban", "--storage", SE, "--unban"), "")
end = time.time() + 30
while status(held)["job_state"] != "FINISHED":
    assert time.time() < end, status(held)
    time.sleep(0.2)

# Ban a user, but not oneself.
holds(command("ban", "--user", "/CN=Nobody in particular"), "No jobs affected")
same(command("ban", "--user", "/CN=Nobody in particular", "--unban"), "")
holds(command("ban", "--user", DN, code=1), "409")

# How much is under way; the exit code tells it, too.
command("server-status", "--is-active")
running = submitted(command("transfer-submit", SOURCE, destination("busy", seconds=600)))
end = time.time() + 30
while status(running)["files"][0]["file_state"] != "ACTIVE":
    assert time.time() < end, status(running)
    time.sleep(0.1)
holds(command("server-status", "--is-active", code=1), "active: 1")
holds(command("server-status"), "staging: 0")
same(command("transfer-cancel", running).strip(), "CANCELED")
