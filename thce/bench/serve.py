"""`thce bench serve`: the server against the bare loop, plain FastAPI, and an empty hop."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from pydantic import Field

from thce.bench import serve_coder
from thce.bench.bare_sessions import BareModel, run_bare_sessions
from thce.bench.load_notes import USUAL_WORDS, load_rows
from thce.bench.machine import usable_cores
from thce.bench.result import BenchResult, Comparison, at_least
from thce.bench.serve_load import Load, Right, closed_loop, open_loop, until
from thce.bench.serve_rivals import bare_latencies, fastapi_server, noop
from thce.bench.untrained_bundle import build_untrained_bundle
from thce.config import Config
from thce.notes.prepare import prepare
from thce.registry.predict import Predictor
from thce.serving.config import CoderArgs
from thce.serving.proxy import free_ports

AT_ONCE = 32
OVERLOAD = 10.0
OWN_MILLISECONDS = 5.0
SHARE_OF_BARE = 0.8
HEALTHY_SECONDS = 15.0
DRAIN_SECONDS = 20.0
MOST_FAILED = 0.01
MOST_SLOWER = 2.0
CODED = serve_coder.narratives()


class ServeBenchConfig(Config):
    """What is served and for how long.

    Attributes:
        model: bundle folder, fsspec URL or `champion:CHANNEL`; None builds one with an untrained
            head on `base`, which is as fast as a trained one.
        base: base weights of that bundle.
        config: the configuration that is served.
        notes: synthetic notes of one pass.
        repetitions: passes of each side.
        seconds: of overload, and of load around a killed replica.
        coder: whether the coder's endpoint is measured as well.
    """

    model: str | None = None
    base: str = "minilm"
    config: str = "configs/serve/local.yaml"
    notes: int = Field(default=300, ge=AT_ONCE)
    repetitions: int = Field(default=3, ge=1)
    seconds: float = Field(default=10.0, gt=0)
    coder: bool = True


def run(config: ServeBenchConfig) -> BenchResult:
    """Measures all sides in turn, on the same notes and cores."""
    rows = list(load_rows(config.notes, USUAL_WORDS))
    bodies = [json.dumps({"note_text": row["text"], "id": row["id"]}).encode() for row in rows]
    cores = usable_cores()
    with TemporaryDirectory(prefix="thce-bench-") as name:
        folder = Path(name)
        model = config.model or str(build_untrained_bundle(config.base, folder / "bundle"))
        predictor = Predictor.open(model)
        texts = [prepare(row["text"]).text for row in rows]
        bare = _bare(config, predictor, texts, cores, folder)
        with fastapi_server(model, predictor.weights, cores) as url:
            rival = asyncio.run(_passes(config, url, bodies))
        served = _serve(config, model, bodies, folder)
    return _result(config, cores, bare, rival, served)


def _bare(
    config: ServeBenchConfig, predictor: Predictor, texts: list[str], cores: int, folder: Path
) -> dict[str, list[float]]:
    """Milliseconds of the median note, and notes a second on all cores; each repetition."""
    encoder = predictor.encoder
    graph = BareModel(
        predictor.bundle.path(predictor.bundle.weights(predictor.weights)[1].file),
        predictor.bundle.path("tokenizer/tokenizer.json"),
        encoder.head_tokens,
        encoder.tail_tokens,
    )
    found: dict[str, list[float]] = {"p50": [], "rate": []}
    for _ in range(config.repetitions):
        found["p50"].append(1000 * median(bare_latencies(predictor, texts)))
        found["rate"].append(len(texts) / run_bare_sessions(graph, texts, cores, folder).seconds)
    return found


async def _passes(
    config: ServeBenchConfig, url: str, bodies: list[bytes], right: Right | None = None
) -> dict[str, list[Load]]:
    """Every repetition's two passes: one request at a time, and 32 at once."""
    await closed_loop(url, bodies[:AT_ONCE], 4)
    found: dict[str, list[Load]] = {"alone": [], "at_once": []}
    for _ in range(config.repetitions):
        found["alone"].append(await closed_loop(url, bodies, 1, right))
        found["at_once"].append(await closed_loop(url, bodies, AT_ONCE, right))
    return found


def _serve(
    config: ServeBenchConfig, model: str, bodies: list[bytes], folder: Path
) -> dict[str, Any]:
    """Starts the server with the empty hop beside it, measures, kills a replica, ends it."""
    from thce.serving import deploy

    deploy.settle_environment()
    from ray import serve

    given = yaml.safe_load(Path(config.config).read_text(encoding="utf-8"))
    for application in given["applications"]:
        safety = {"rate": 1e6, "burst": 10**6, "audit": str(folder / "audit")}
        application["args"] = application.get("args", {}) | {"safety": safety}
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    changes = deploy.Changes(
        model=model,
        without=() if config.coder else ("coder",),
        store=str(folder / "store.sqlite"),
        port=free_ports(1)[0],
    )
    prepared = deploy.read(str(path), changes)
    deploy.prepare(prepared)
    coding: dict[str, Any] = {"bare": _bare_coder(prepared)} if config.coder else {}
    url = deploy.start(prepared)
    try:
        serve.run(noop(), name="noop", route_prefix="/noop")
        if config.coder:
            coding["served"] = asyncio.run(serve_coder.served(f"{url}/v1/codes", CODED))
        return asyncio.run(_measure(config, url, bodies)) | {"coder": coding}
    finally:
        deploy.stop()


def _bare_coder(prepared: dict[str, Any]) -> tuple[list[serve_coder.Written], int]:
    from thce.serving.deploy import args_of

    args = next(one for one in map(args_of, prepared["applications"]) if isinstance(one, CoderArgs))
    return serve_coder.bare(args, CODED)


async def _measure(config: ServeBenchConfig, url: str, bodies: list[bytes]) -> dict[str, Any]:
    right: Right = {}
    target = f"{url}/v1/registry"
    await closed_loop(f"{url}/noop/", bodies[:AT_ONCE], 1)
    hops = [await closed_loop(f"{url}/noop/", bodies, 1) for _ in range(config.repetitions)]
    passes = await _passes(config, target, bodies, right)
    rate = OVERLOAD * median(load.rate for load in passes["at_once"])
    overload = await open_loop(target, bodies, rate, config.seconds)
    await asyncio.sleep(2)
    killed, healthy = await _kill(config, target, bodies, right)
    ended, drain = await _end(target, bodies, right)
    return passes | {
        "hops": hops,
        "overload": overload,
        "killed": killed,
        "healthy_seconds": healthy,
        "ended": ended,
        "drain_seconds": drain,
    }


async def _kill(
    config: ServeBenchConfig, url: str, bodies: list[bytes], right: Right
) -> tuple[Load, float]:
    """Kills one replica under load; seconds until there are as many again."""
    before = _replicas()
    stop = asyncio.Event()
    loading = asyncio.create_task(until(url, bodies, 4, stop, right))
    await asyncio.sleep(2)
    os.kill(before[0], signal.SIGKILL)
    started = time.perf_counter()
    while time.perf_counter() - started < 60:
        await asyncio.sleep(0.2)
        if len(set(_replicas()) - {before[0]}) >= len(before):
            break
    healthy = time.perf_counter() - started
    await asyncio.sleep(config.seconds)
    stop.set()
    return await loading, healthy


async def _end(url: str, bodies: list[bytes], right: Right) -> tuple[Load, float]:
    """Ends the applications while requests are under way, as SIGTERM does."""
    from thce.serving import deploy

    under_way = asyncio.create_task(closed_loop(url, bodies[:AT_ONCE], AT_ONCE, right))
    await asyncio.sleep(0.2)
    started = time.perf_counter()
    await asyncio.to_thread(deploy.end_applications)
    return await under_way, time.perf_counter() - started


def _replicas() -> list[int]:
    """Process ids of RegistryModel's replicas on this machine, below this process."""
    import psutil

    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "RegistryModel" in " ".join(child.cmdline()):
                found.append(child.pid)
        except psutil.Error:
            continue
    return found


def _result(
    config: ServeBenchConfig,
    cores: int,
    bare: dict[str, list[float]],
    rival: dict[str, list[Load]],
    served: dict[str, Any],
) -> BenchResult:
    alone = median(load.quantile(0.5) for load in served["alone"])
    rival_alone = median(load.quantile(0.5) for load in rival["alone"])
    rate = median(load.rate for load in served["at_once"])
    hop = median(load.quantile(0.5) for load in served["hops"])
    rated = median(load.quantile(0.95) for load in served["at_once"])
    limit = median(bare["p50"]) + hop + OWN_MILLISECONDS
    overload: Load = served["overload"]
    killed: Load = served["killed"]
    ended: Load = served["ended"]
    all_killed = sum(killed.statuses.values())
    one = "one note a request, sent one after another; "
    many = f"one note a request, {AT_ONCE} under way at any time, on {cores} cores; "
    comparisons: tuple[Comparison, ...] = (
        _at_most(
            "median latency",
            one + "the limit is the bare loop's median, the empty Serve hop's of this run and "
            f"{OWN_MILLISECONDS:g} ms together",
            "ms",
            alone,
            limit,
            1.0,
        ),
        at_least(
            "throughput against bare sessions",
            many + f"the rival is {cores} plain processes with a one-thread session each that "
            "tokenize and run the same prepared notes",
            "notes per second",
            rate,
            median(bare["rate"]),
            SHARE_OF_BARE,
        ),
        at_least(
            "throughput against FastAPI",
            many + f"the rival is FastAPI and onnxruntime in {cores} uvicorn processes, without "
            "rules, limits and tokens",
            "notes per second",
            rate,
            median(load.rate for load in rival["at_once"]),
            1.0,
        ),
        _at_most(
            "latency of accepted requests under overload",
            f"95 % of accepted ones at {OVERLOAD:g} times the rate that was reached with "
            f"{AT_ONCE} under way, against the same with {AT_ONCE} under way",
            "ms",
            overload.quantile(0.95) if overload.latencies else float("inf"),
            rated,
            MOST_SLOWER,
        ),
    )
    if config.coder:
        coded, tokens = served["coder"]["bare"]
        comparisons += serve_coder.compare(served["coder"]["served"], coded, tokens)
    checks = {
        "overload: every request is answered, or refused with Retry-After": overload.failed == 0
        and overload.without_retry == 0,
        f"a killed replica fails at most {MOST_FAILED:.0%} of the requests": (
            all_killed - killed.statuses[200]
        )
        <= MOST_FAILED * all_killed,
        "no note ever got another answer": killed.wrong + ended.wrong == 0
        and all(load.wrong == 0 for load in (*served["alone"], *served["at_once"])),
        f"healthy within {HEALTHY_SECONDS:g} s of the kill": served["healthy_seconds"]
        <= HEALTHY_SECONDS,
        f"ending within {DRAIN_SECONDS:g} s finishes what is under way": ended.statuses[0] == 0
        and served["drain_seconds"] <= DRAIN_SECONDS,
    }
    details = {
        "bare_p50_ms": bare["p50"],
        "bare_notes_per_second": bare["rate"],
        "empty_hop_p50_ms": [load.quantile(0.5) for load in served["hops"]],
        "ours_p50_ms": [load.quantile(0.5) for load in served["alone"]],
        "ours_notes_per_second": [load.rate for load in served["at_once"]],
        "ours_p95_at_32_ms": [load.quantile(0.95) for load in served["at_once"]],
        "fastapi_p50_ms": rival_alone,
        "fastapi_notes_per_second": [load.rate for load in rival["at_once"]],
        "overload_statuses": _counts(overload),
        "killed_statuses": _counts(killed),
        "healthy_seconds": served["healthy_seconds"],
        "ended_statuses": _counts(ended),
        "drain_seconds": served["drain_seconds"],
    }
    return BenchResult(
        name="serve",
        comparisons=comparisons,
        repetitions=config.repetitions,
        notes=config.notes,
        cores=cores,
        checks=checks,
        details=details,
    )


def _counts(load: Load) -> dict[str, int]:
    return {str(status): count for status, count in sorted(load.statuses.items())}


def _at_most(
    name: str, definition: str, unit: str, ours: float, limit: float, most: float
) -> Comparison:
    """A comparison of two times; the ratio is ours over the other."""
    ratio = ours / limit
    definition += "; the ratio is ours over the other"
    return Comparison(
        name, definition, unit, ours, limit, ratio, f"at most {most:g}", ratio <= most
    )
