"""A consumer of the broker's messages, as sites run them.

    consumer.py HOST PORT VHOST USER PASSWORD OUT DESTINATION...

Subscribes over STOMP 1.2 and appends one line of JSON to OUT for each message:
the destination, the headers, and the body. Prints "ready" when it is subscribed.
Comes back when the broker does, and runs until it is ended.
"""

import json
import sys
import threading
import time

import stomp


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
