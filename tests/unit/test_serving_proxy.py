"""HAProxy's configuration as Ray writes it is corrected on the way, and HAProxy still takes it."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from thce.serving.proxy import free_ports, proxy_settings

CONFIG = """global
    stats socket {folder}/admin.sock mode 666 level admin expose-fd listeners
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    errorfile 502 {folder}/500.http
    errorfile 503 {folder}/500.http
    errorfile 504 {folder}/500.http
frontend prometheus
    bind :{metrics}
    http-request use-service prometheus-exporter if {{ path /metrics }}
frontend http_frontend
    bind 127.0.0.1:{port}
listen stats
  bind *:{stats}
  stats enable
"""


def test_nothing_of_the_proxy_is_open_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    settings = proxy_settings()
    script = Path(settings["RAY_SERVE_HAPROXY_BINARY_PATH"])
    assert script.stat().st_mode & 0o777 == 0o700
    metrics, port, stats = free_ports(3)
    file = tmp_path / "haproxy.cfg"
    file.write_text(CONFIG.format(folder=tmp_path, metrics=metrics, port=port, stats=stats))
    done = subprocess.run([script, "-c", "-f", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    corrected = file.read_text()
    binds = [line.split()[1] for line in corrected.splitlines() if line.strip().startswith("bind")]
    assert binds == [f"127.0.0.1:{metrics}", f"127.0.0.1:{port}", f"127.0.0.1:{stats}"]
    assert "mode 600 level admin" in corrected and "666" not in corrected
    reply = (script.parent / "503.http").read_text()
    assert "Retry-After: 2" in reply and '"status": 503' in reply
    assert corrected.count(str(script.parent)) == 3


def test_the_proxy_ends_with_who_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    script = proxy_settings()["RAY_SERVE_HAPROXY_BINARY_PATH"]
    metrics, port, stats = free_ports(3)
    file = tmp_path / "haproxy.cfg"
    file.write_text(CONFIG.format(folder=tmp_path, metrics=metrics, port=port, stats=stats))
    start = (
        "import subprocess, sys, time; "
        f"print(subprocess.Popen([{script!r}, '-db', '-f', {str(file)!r}]).pid, flush=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        proxy = Path(f"/proc/{int(parent.stdout.readline())}")
        _wait_until(lambda: b"-db" in (proxy / "cmdline").read_bytes())
        _wait_until(lambda: b"sh\0" not in (proxy / "cmdline").read_bytes())
        parent.kill()
        _wait_until(lambda: not proxy.exists() or " Z " in (proxy / "stat").read_text())


def _wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_ports_are_free_and_differ() -> None:
    assert len(set(free_ports(5))) == 5
