"""Rucio's receiver of results, unchanged, with messages that came over a broker.

    receiver.py MESSAGES DIRECTORY VO

MESSAGES are the lines of `consumer.py`. Prints one line of JSON for each complete message: what the
receiver would write into its database, null where it leaves the message alone. What it reads there is
told it here: of the request, what Rucio had sent along with the transfer; of the sources, that each
lies at the storage of its host's name. DIRECTORY is for the receiver's configuration.
"""

import json
import os
import pathlib
import sys
from types import SimpleNamespace

messages, directory, vo = sys.argv[1:]
settings = pathlib.Path(directory, "receiver.cfg")
settings.write_text("""
[database]
default = sqlite:///:memory:
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = identity
support = nobody
[transfers]
overwrite_corrupted_files = False
""")
os.environ["RUCIO_CONFIG"] = str(settings)

from rucio.daemons.conveyor import receiver  # noqa: E402 - reads the file above
from rucio.db.sqla.constants import RequestState  # noqa: E402
from rucio.transfertool import fts3  # noqa: E402

COMPLETE = "transfer.fts_monitoring_complete"
made = None


class Report(receiver.FTS3CompletionMessageTransferStatusReport):
    """A report about a request that needs no row in a database."""

    def request(self, session):
        sent = self.fts_message["file_metadata"]
        return {
            "external_id": self.fts_message["job_id"],
            "external_host": None,
            "state": RequestState.SUBMITTED,
            "bytes": sent.get("filesize"),
            "adler32": sent.get("adler32"),
            "md5": sent.get("md5"),
            "attributes": {},
        }


def source_rse(request_id, source_url, session=None):
    host = source_url.split("/")[2]
    return host, f"id of {host}"


def update(tt_status_report, stats_manager, session, logger):
    """Instead of the database: keeps what would be written."""
    global made
    fields = tt_status_report.get_db_fields_to_update(session=session)
    made = {name: getattr(value, "name", value) for name, value in fields.items()}
    told = tt_status_report.get_monitor_msg_fields(session)
    made |= {
        "request_id": tt_status_report.request_id,
        "src_rse": told["src-rse"],
        "src_url": told["src-url"],
        "dst_url": told["dst-url"],
        "link": told["transfer_link"],
    }
    for name in ("started_at", "transferred_at"):
        made[name] = (made[name] - made[name].utcfromtimestamp(0)).total_seconds()
    return 1


receiver.FTS3CompletionMessageTransferStatusReport = Report
receiver.transfer_core.update_transfer_state = update
fts3.get_source_rse = source_rse

listener = receiver.Receiver(broker="broker", id_="1", total_threads=1, transfer_stats_manager=None, voname=vo)
for line in pathlib.Path(messages).read_text().splitlines():
    message = json.loads(line)
    if message["destination"].endswith(COMPLETE):
        made = None
        listener.on_message(SimpleNamespace(body=json.dumps(message["body"])))
        print(json.dumps(made))
