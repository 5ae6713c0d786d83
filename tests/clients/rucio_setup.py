"""A Rucio of its own for a script: configuration and database in the script's working directory.

Has to be imported before anything of `rucio`, which reads its configuration when it is loaded.
"""

import os
import pathlib
import subprocess
import sys

ENDPOINT = os.environ["FTS_ENDPOINT"]
HOME = pathlib.Path(os.environ["WORK"], "rucio")

CONFIG = f"""
[common]
logdir = {HOME}
loglevel = WARNING
[database]
default = sqlite:///{HOME}/rucio.db
[conveyor]
scheme = mock
transfertool = fts3
usercert = {os.environ["X509_USER_PROXY"]}
use_deterministic_id = False
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = identity
support = nobody
"""

HOME.mkdir()
(HOME / "rucio.cfg").write_text(CONFIG)
os.environ["RUCIO_CONFIG"] = str(HOME / "rucio.cfg")

from rucio.common.config import config_set  # noqa: E402 - reads the file above
from rucio.db.sqla.models import register_models  # noqa: E402
from rucio.db.sqla.session import get_engine  # noqa: E402
from rucio.db.sqla.util import create_base_vo, create_root_account  # noqa: E402

PROXY = os.environ["X509_USER_PROXY"]
# Rucio itself never delegates: at its sites a cron job runs this very command.
subprocess.run(
    [f"{os.path.dirname(sys.executable)}/fts-rest-delegate", "-v", "-f", "-H", "96", f"--key={PROXY}", f"--cert={PROXY}", "-s", ENDPOINT],
    check=True, capture_output=True, timeout=60, env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
)
register_models(get_engine())
create_base_vo()
create_root_account()


def setting(section, option, value):
    """Changes the configuration of this process."""
    config_set(section, option, value)


def same(got, wanted, what=""):
    assert got == wanted, f"{what}: wanted {wanted!r}, got {got!r}"
