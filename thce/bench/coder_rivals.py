"""The rivals of constrained decoding: transformers.generate, llama.cpp, and the bare engine."""

import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thce.coder.base_model import load_model
from thce.coder.engine import Graph, Sampling


class TransformersGenerate:
    """`generate` in torch, greedy, one prompt at a time, in the faster of fp32 and bf16."""

    def __init__(self, model: Path, threads: int) -> None:
        """Loads the weights in both number formats."""
        import torch
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(threads)
        self._models: dict[str, Any] = {
            name: load_model(model, dtype).eval()
            for name, dtype in (("fp32", "float32"), ("bf16", "bfloat16"))
        }

    def faster(self, prompt: Sequence[int], tokens: int) -> str:
        """The number format with more tokens per second, each after a warm-up."""
        seconds = {}
        for name in self._models:
            self.generate(name, prompt, 4)
            started = time.perf_counter()
            self.generate(name, prompt, tokens)
            seconds[name] = time.perf_counter() - started
        return min(seconds, key=lambda name: seconds[name])

    def generate(self, name: str, prompt: Sequence[int], tokens: int) -> list[int]:
        """Exactly so many tokens after a prompt."""
        import torch

        ids = torch.tensor([list(prompt)])
        with torch.inference_mode():
            found = self._models[name].generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                do_sample=False,
            )
        return list(found[0, len(prompt) :].tolist())


class LlamaCpp:
    """llama-cpp-python on a GGUF file, greedy, one prompt at a time."""

    def __init__(self, gguf: Path, threads: int, context: int) -> None:
        """Loads the file."""
        from llama_cpp import Llama

        self._llama: Any = Llama(
            str(gguf), n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    @staticmethod
    def installed() -> bool:
        """Whether llama-cpp-python is here."""
        return importlib.util.find_spec("llama_cpp") is not None

    def generate(self, prompt: Sequence[int], tokens: int) -> list[int]:
        """So many tokens after a prompt, through an end token if it comes."""
        self._llama.reset()
        found: list[int] = []
        for token in self._llama.generate(list(prompt), top_k=1, temp=0.0, reset=True):
            found.append(int(token))
            if len(found) == tokens:
                break
        return found


def bare_decode(graph: Graph, prompt: Sequence[int], tokens: int) -> list[int]:
    """So many tokens by the engine alone, without a mask."""
    decoding = graph.decode([prompt], tokens, Sampling())
    found: list[int] = []
    while len(found) < tokens and not decoding.full:
        found += decoding.free_step()
    return found


def engine_guidance_seconds(graph: Graph, prompt: Sequence[int], pattern: str) -> float:
    """What the engine's own guidance adds to a first token: it compiles for every request.

    The graph's folder must hold the tokenizer as well.
    """
    import onnxruntime_genai as genai

    def first_token(guided: bool) -> float:
        started = time.perf_counter()
        parameters = genai.GeneratorParams(graph.model)
        parameters.set_search_options(batch_size=1, max_length=len(prompt) + 8)
        if guided:
            parameters.set_guidance("regex", pattern)
        generator = genai.Generator(graph.model, parameters)
        generator.append_tokens(np.asarray([prompt], np.int32))
        generator.generate_next_token()
        return time.perf_counter() - started

    first_token(False)
    return max(first_token(True) - first_token(False), 1e-6)
