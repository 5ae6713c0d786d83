"""A consumer of the broker's messages, as sites run them.

    consumer.py HOST PORT VHOST USER PASSWORD OUT DESTINATION...

Subscribes over STOMP 1.2 and appends one line of JSON to OUT for each message:
the destination, the headers, the body, and what a receiver of transfer results
makes of it. Prints "ready" when it is subscribed. Comes back when the broker
does, and runs until it is ended.
"""

import json
import sys
import threading
import time

import stomp


def result(message):
    """What a receiver of results reads, and what it concludes."""
    job = message.get("job_metadata")
    if not isinstance(job, dict) or str(job.get("issuer")) != "rucio":
        return None
    if "job_m_replica" not in message or "job_state" not in message:
        return None
    several = str(message["job_m_replica"]).lower() == "true"
    if several and str(message["job_state"]) == "ACTIVE":
        return None
    hops = bool(message.get("job_multihop", False)) is True
    if hops and str(message["job_state"]) == "ACTIVE":
        return None
    began = float(message["tr_timestamp_start"]) / 1000
    ended = float(message["tr_timestamp_complete"]) / 1000
    states = {"Ok": "DONE", "Error": "FAILED"}
    return {
        "new_state": states.get(str(message["t_final_transfer_state"])),
        "transfer_id": message["tr_id"].split("__")[-1],
        "request_id": message["file_metadata"].get("request_id"),
        "reason": message["t__error_message"] or None,
        "src_url": message["src_url"],
        "dst_url": message["dst_url"],
        "external_host": message["endpnt"],
        "is_archiving": message["is_archiving"],
        "duration": ended - began,
        "transferred_at": ended,
        "vo": message["vo"],
    }


class Listener(stomp.ConnectionListener):
    def __init__(self, out):
        self.out = out
        self.lost = threading.Event()

    def on_message(self, frame):
        body = json.loads(frame.body)
        line = {
            "destination": frame.headers["destination"],
            "headers": frame.headers,
            "body": body,
            "result": result(body) if "tr_id" in body else None,
        }
        # One write for one line: whoever reads never sees half of it.
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()

    def on_error(self, frame):
        print("error", frame.headers, frame.body, file=sys.stderr, flush=True)

    def on_disconnected(self):
        self.lost.set()


def main():
    host, port, vhost, user, password, out, *destinations = sys.argv[1:]
    with open(out, "a", encoding="utf-8") as lines:
        while True:
            listener = Listener(lines)
            connection = stomp.Connection12(
                [(host, int(port))],
                vhost=vhost,
                heartbeats=(4000, 4000),
                reconnect_attempts_max=1,
            )
            connection.set_listener("", listener)
            try:
                connection.connect(user, password, wait=True)
                for number, destination in enumerate(destinations):
                    connection.subscribe(destination, id=number, ack="auto")
                print("ready", flush=True)
                listener.lost.wait()
            except (stomp.exception.StompException, OSError) as trouble:
                print("trouble", repr(trouble), file=sys.stderr, flush=True)
            time.sleep(0.3)


if __name__ == "__main__":
    main()
