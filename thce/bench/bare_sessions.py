"""The rival of scoring: plain processes that tokenize and run onnxruntime, and nothing else."""

import json
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TAKE = 8
"""Notes that a process takes from the shared counter at a time."""
LOADING_SECONDS = 120.0


@dataclass(frozen=True)
class BareRun:
    """One run of all processes.

    Attributes:
        seconds: from when all processes have loaded to the end of the last one.
        logits: (n, labels) in the order of the notes.
    """

    seconds: float
    logits: NDArray[np.float32]


@dataclass(frozen=True)
class BareModel:
    """What each process loads, and how a note is cut: head and tail, as the bundle says."""

    graph: Path
    tokenizer: Path
    head_tokens: int
    tail_tokens: int


def run_bare_sessions(model: BareModel, texts: list[str], processes: int, folder: Path) -> BareRun:
    """Runs prepared texts through one-thread sessions in so many plain processes.

    Args:
        model: see `BareModel`.
        texts: prepared notes.
        processes: as many as there are cores.
        folder: where each leaves its logits.

    Raises:
        RuntimeError: a process failed; `threading.BrokenBarrierError` if it failed to load.
    """
    context = multiprocessing.get_context("spawn")
    source = folder / "texts.json"
    source.write_text(json.dumps(texts), encoding="utf-8")
    position = context.Value("q", 0)
    loaded = context.Barrier(processes + 1)
    targets = [folder / f"bare-{rank}.npz" for rank in range(processes)]
    workers = [
        context.Process(target=_work, args=(model, source, position, loaded, target))
        for target in targets
    ]
    for worker in workers:
        worker.start()
    loaded.wait(timeout=LOADING_SECONDS)
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a bare session failed; its traceback is above")
    return BareRun(seconds, _collect(targets))


def _work(model: BareModel, source: Path, position: Any, loaded: Any, target: Path) -> None:
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(model.graph), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(model.tokenizer))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts: list[str] = json.loads(source.read_text(encoding="utf-8"))
    loaded.wait(timeout=LOADING_SECONDS)
    rows: list[int] = []
    logits: list[NDArray[np.float32]] = []
    while True:
        with position.get_lock():
            first = position.value
            position.value += TAKE
        if first >= len(texts):
            break
        for row in range(first, min(first + TAKE, len(texts))):
            ids = _cut(tokenizer.encode(texts[row]).ids, model)
            feed = {"input_ids": ids[None], "attention_mask": np.ones((1, len(ids)), np.int64)}
            rows.append(row)
            logits.append(session.run(None, feed)[0][0])
    np.savez(target, rows=np.array(rows), logits=np.array(logits))


def _cut(ids: list[int], model: BareModel) -> NDArray[np.int64]:
    """The start and the end of a long note; without a tail, the start and the closing token."""
    head, tail = model.head_tokens, model.tail_tokens
    if len(ids) > head + tail:
        ids = ids[: head - 1] + ids[-1:] if tail == 0 else ids[:head] + ids[-tail:]
    return np.array(ids, dtype=np.int64)


def _collect(paths: list[Path]) -> NDArray[np.float32]:
    parts = [np.load(path) for path in paths]
    filled = [part for part in parts if len(part["rows"])]
    rows = np.concatenate([part["rows"] for part in filled])
    return np.concatenate([part["logits"] for part in filled])[np.argsort(rows)]
