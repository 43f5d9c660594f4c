"""A server for the tests of one module: the user's command, small weights, real Serve."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIG = REPOSITORY / "configs" / "serve" / "local.yaml"
START_SECONDS = 240.0
END_SECONDS = 60.0
LAST_LINE = "Ctrl-C ends it."


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        url: where it answers.
        process: `thce serve`.
        home: its THCE_HOME.
        output: its standard output and error, as far as it was read.
    """

    url: str
    process: subprocess.Popen[str]
    home: Path
    log: Path

    def replicas(self, deployment: str) -> list[int]:
        """Process ids of a deployment's replicas."""
        return [
            pid
            for pid, name in descendants(self.process.pid).items()
            if f"ServeReplica:{deployment}" in name or f":{deployment}" in name
        ]

    def end(self) -> int:
        """SIGTERM, as an operator or a supervisor ends it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_SECONDS)


@contextmanager
def served(
    folder: Path,
    *arguments: str,
    changes: dict[str, dict[str, Any]] | None = None,
) -> Iterator[Served]:
    """Starts `thce serve` and waits until it says that it answers.

    Args:
        folder: its THCE_HOME lies here.
        arguments: of the command, besides configuration and port.
        changes: args of applications, by application.
    """
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    for application in config["applications"]:
        args = application.setdefault("args", {})
        args |= (changes or {}).get(application["name"], {})
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    home = folder / "home"
    log = folder / "serve.log"
    port = free_port()
    command = [sys.executable, "-m", "thce.cli", "serve", "--config", str(path)]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*command, "--port", str(port), *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=REPOSITORY,
            env=os.environ
            | {"THCE_HOME": str(home), "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        )
    try:
        _wait_for(process, log)
        yield Served(f"http://127.0.0.1:{port}", process, home, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(process: subprocess.Popen[str], log: Path) -> None:
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    said = ""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said += line
            if line.strip() == LAST_LINE:
                return
    finally:
        watchdog.cancel()
    raise AssertionError(f"no server: {said}\n{log.read_text(encoding='utf-8')[-4000:]}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(parent: int) -> dict[int, str]:
    """Command lines of all processes below one, by process id."""
    found: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            found[int(entry.name)] = (int(fields[1]), line.strip())
    below = {parent}
    grown = True
    while grown:
        more = {pid for pid, (above, _) in found.items() if above in below} - below
        grown = bool(more)
        below |= more
    return {pid: found[pid][1] for pid in below if pid in found}


def listening(pids: set[int]) -> set[str]:
    """Addresses on which these processes listen, as `address:port` in the kernel's hex."""
    sockets = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(str(file.readlink()))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1])
    return found


def audit_lines(home: Path) -> list[dict[str, Any]]:
    """Every line of the audit logs below a THCE_HOME."""
    return [
        json.loads(line)
        for file in sorted((home / "serving" / "audit").glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
