"""Who saw and answered what: one JSON line a request, with ids and without text."""

import json
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

LOGGER = "thce.audit"
"""The page's API says here which task it showed to whom."""


class Audit:
    """An append-only file of this process; its owner alone may read it.

    Every line is one write to a file opened for appending: it survives the process, and two
    processes cannot mix their lines.
    """

    def __init__(self, folder: str | None, part: str) -> None:
        """Opens the file, if a folder is configured; `part` names the deployment."""
        self._descriptor: int | None = None
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
            path = Path(folder) / f"{part}-{socket.gethostname()}-{os.getpid()}.jsonl"
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._descriptor = os.open(path, flags, 0o600)

    def write(self, **entry: Any) -> None:
        """Appends one line; the time comes first."""
        if self._descriptor is not None:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            line = json.dumps({"at": at} | entry, ensure_ascii=True) + "\n"
            os.write(self._descriptor, line.encode())

    def take_log(self) -> None:
        """Takes in what the page's API logs, too."""
        logger = logging.getLogger(LOGGER)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.handlers = [_Handler(self)]


class _Handler(logging.Handler):
    def __init__(self, audit: Audit) -> None:
        super().__init__()
        self._audit = audit

    def emit(self, record: logging.LogRecord) -> None:
        self._audit.write(event=record.getMessage())
