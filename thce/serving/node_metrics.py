"""Prometheus text of the whole application, as every node's Ray agent gathered it."""

import asyncio
import urllib.request
from typing import Any

PREFIXES = ("ray_thce_", "ray_serve_")
SECONDS = 3.0
MOST_BYTES = 16 * 1024**2
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def scrape() -> str:
    """The application's own series and Serve's, of all nodes that are alive and answer."""
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"]]
    texts = await asyncio.gather(*(asyncio.to_thread(_scrape_node, node) for node in nodes))
    return "".join(_own_lines(texts))


def _scrape_node(node: dict[str, Any]) -> str:
    address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=SECONDS) as reply:
            return str(reply.read(MOST_BYTES), "utf-8", "replace")
    except OSError:
        return ""


def _own_lines(texts: list[str]) -> list[str]:
    """The lines of the series we want; what a series means is said once."""
    lines: list[str] = []
    said: set[str] = set()
    for text in texts:
        for line in text.splitlines():
            name = line.removeprefix("# HELP ").removeprefix("# TYPE ")
            if not name.startswith(PREFIXES):
                continue
            if line.startswith("#"):
                if line in said:
                    continue
                said.add(line)
            lines.append(f"{line}\n")
    return lines
