"""What the server is held against: the bare loop, a plain FastAPI server, an empty hop."""

import multiprocessing
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from thce.registry.predict import Predictor

START_SECONDS = 120.0


def bare_latencies(predictor: Predictor, texts: Sequence[str]) -> list[float]:
    """Seconds of each prepared text: tokenizer and session, in this process."""
    found = []
    for text in texts:
        started = time.perf_counter()
        predictor.session.probabilities(predictor.encoder.encode([text]))
        found.append(time.perf_counter() - started)
    return found


@contextmanager
def fastapi_server(model: str, weights: str, processes: int) -> Iterator[str]:
    """FastAPI and onnxruntime as one would write it: so many uvicorn processes on one port.

    Each has a one-thread session and answers in a plain `def` route, on a thread. It prepares the
    note and returns probabilities; it knows no rules, limits or tokens.
    """
    listening = socket.create_server(("127.0.0.1", 0), reuse_port=False)
    port = listening.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    workers = [
        context.Process(target=_serve, args=(model, weights, listening, ready), daemon=True)
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    try:
        ready.wait(START_SECONDS)
        yield f"http://127.0.0.1:{port}/score"
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
        listening.close()


def _serve(model: str, weights: str, listening: socket.socket, ready: Any) -> None:
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    from thce.notes.prepare import prepare

    predictor = Predictor.open(model, weights)

    class Given(BaseModel):
        note_text: str

    app = FastAPI()

    @app.post("/score")
    def score(given: Given) -> dict[str, Any]:
        found = predictor.predict([prepare(given.note_text).text])[0]
        return {"probabilities": np.round(found.astype(float), 7).tolist()}

    config = uvicorn.Config(app, log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    ready.wait(START_SECONDS)
    server.run(sockets=[listening])


def noop() -> Any:
    """A Serve application that reads a request and answers nothing: what a hop costs."""
    from fastapi import FastAPI, Request
    from ray import serve

    def build() -> FastAPI:
        app = FastAPI()

        @app.post("/{rest:path}")
        async def answer(request: Request) -> dict[str, int]:
            return {"bytes": len(await request.body())}

        return app

    wrapped = serve.ingress(build)(type("Noop", (), {}))
    return serve.deployment(name="Noop", ray_actor_options={"num_cpus": 0.1})(wrapped).bind()
