"""The doors without a browser in a process of their own, whose memory can be measured: one JSON line in, one out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ingestion_adapters.dropbox import folder as drop_folder
from ingestion_adapters.dropbox import jobs as drop_jobs
from ingestion_adapters.files import jobs as upload_jobs
from ingestion_adapters.pull import jobs as pull_jobs
from ingestion_adapters.pull.models import PullSource
from ingestion_adapters.pull.rules import allowed_from
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from portal.core.memory import give_back_memory


def act(settings: Settings, asked: dict[str, Any]) -> None:
    """Do one door's turn."""
    number = int(asked["id"])
    if asked["door"] == "drop":
        drop_jobs.take_folder(settings, drop_jobs.Owner(number, asked["uscc"]), Path(asked["path"]))
    elif asked["door"] == "upload":
        upload_jobs._take_in(settings, number)
    else:
        with transaction(settings, CITY, worker=True) as session:
            claimed = pull_jobs._as_claimed(session.get_one(PullSource, number), settings)
        pull_jobs.pull_once(settings, claimed, allowed_from(settings.pull_hosts))


def main() -> int:
    """Answer until the input ends."""
    give_back_memory()
    settings = Settings.from_env()
    drop_folder.SETTLED_S = 0.0
    for line in sys.stdin:
        fault = ""
        try:
            act(settings, json.loads(line))
        except Exception as error:  # noqa: BLE001  # the test is told and judges
            fault = f"{type(error).__name__}: {error}"[:500]
        sys.stdout.write(json.dumps({"fault": fault}) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
