"""The exported graph as a decoder: prompts in, then one step at a time under a mask of tokens.

The only place where onnxruntime-genai is run. It knows tokens; it knows neither codes nor texts.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.coder.encode import ChatEncoder
from thce.config import Config
from thce.errors import InputError
from thce.evaluation.softmax import log_softmax
from thce.files import read_json

CONFIG_FILE = "genai_config.json"


class Sampling(Config):
    """How the next token is chosen.

    Attributes:
        temperature: 0 takes the likeliest; above, tokens are drawn.
        top_p: drawn from the likeliest tokens that have this much probability together.
        seed: of the draws.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


class Graph:
    """An exported model and its tokenizer."""

    def __init__(self, folder: Path, tokenizer: Path, threads: int | None = None) -> None:
        """Loads the graph.

        Args:
            folder: holds genai_config.json and the graph that it names.
            tokenizer: holds tokenizer.json and the chat template.
            threads: of one step; by default one a core.

        Raises:
            InputError: it cannot be loaded.
        """
        import onnxruntime_genai as genai

        self.folder = folder
        try:
            settings = read_json(folder / CONFIG_FILE)["model"]
            self.vocabulary = int(settings["vocab_size"])
            self.context = int(settings["context_length"])
            end = settings["eos_token_id"]
            self.end = int(end[0] if isinstance(end, list) else end)
            self.pad = int(settings["pad_token_id"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder / CONFIG_FILE}: not an exported graph's: {error}") from None
        self.tokenizer_file = tokenizer / "tokenizer.json"
        self.prompts = ChatEncoder(tokenizer)
        try:
            config = genai.Config(str(folder))
            if threads:
                options = {"session_options": {"intra_op_num_threads": threads}}
                config.overlay(json.dumps({"model": {"decoder": options}}))
            self.model: Any = genai.Model(config)
        except RuntimeError as error:
            reason = (str(error).splitlines() or ["no reason"])[0][:200]
            raise InputError(f"{folder}: onnxruntime-genai cannot load it: {reason}") from None

    def decode(self, prompts: Sequence[Sequence[int]], most: int, sampling: Sampling) -> "Decoding":
        """Begins to continue prompts, each by at most `most` tokens."""
        return Decoding(self, prompts, most, sampling)

    def read(self, prompt: Sequence[int], most: int) -> "Reading":
        """Reads a prompt, to judge texts of at most `most` tokens that may follow it."""
        return Reading(self, prompt, most)


class Decoding:
    """A batch of prompts being continued.

    Rows are padded on the right: the graph's attention counts the tokens of a row and takes the
    first ones, so that padding on the left, which the engine accepts as well, gives wrong logits
    without a word (measured; on the right the logits equal those of the row alone to the bit).
    """

    def __init__(
        self,
        graph: Graph,
        prompts: Sequence[Sequence[int]],
        most: int,
        sampling: Sampling,
    ) -> None:
        import onnxruntime_genai as genai

        longest = max(len(prompt) for prompt in prompts)
        ids = np.full((len(prompts), longest), graph.pad, np.int32)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = prompt
        parameters = genai.GeneratorParams(graph.model)
        parameters.set_search_options(
            batch_size=len(prompts),
            max_length=min(longest + most, graph.context),
            **_search_options(sampling),
        )
        self._generator: Any = genai.Generator(graph.model, parameters)
        self._generator.append_tokens(ids)

    @property
    def full(self) -> bool:
        """Whether no step can follow: every row has ended, or the room is used up."""
        return bool(self._generator.is_done())

    def logits(self) -> NDArray[np.float32]:
        """(rows, vocabulary) of the next token."""
        return np.asarray(self._generator.get_logits())[:, -1]

    def step(self, logits: NDArray[np.float32]) -> list[int]:
        """Takes the next token of every row by logits that may have been masked."""
        self._generator.set_logits(logits[:, np.newaxis])
        self._generator.generate_next_token()
        return [int(token) for token in self._generator.get_next_tokens()]

    def free_step(self) -> list[int]:
        """Takes the next token of every row, whatever it is."""
        self._generator.generate_next_token()
        return [int(token) for token in self._generator.get_next_tokens()]


class Reading:
    """A prompt that was read once, before many texts that may follow it."""

    def __init__(self, graph: Graph, prompt: Sequence[int], most: int) -> None:
        import onnxruntime_genai as genai

        parameters = genai.GeneratorParams(graph.model)
        parameters.set_search_options(
            batch_size=1, max_length=min(len(prompt) + most, graph.context), do_sample=False
        )
        self._generator: Any = genai.Generator(graph.model, parameters)
        # The last token goes with each text: what follows it tells the text's first token.
        *before, self._last = prompt
        self._read = len(before)
        if before:
            self._generator.append_tokens(np.asarray([before], np.int32))

    def log_probabilities(self, text: Sequence[int]) -> NDArray[np.float32]:
        """(tokens, vocabulary) of each token of a text that follows the prompt, natural logs."""
        if self._read:
            self._generator.rewind_to(self._read)
        self._generator.append_tokens(np.asarray([[self._last, *text[:-1]]], np.int32))
        return log_softmax(np.asarray(self._generator.get_output("logits"))[0])

    def log_likelihood(self, text: Sequence[int]) -> float:
        """Mean log-likelihood per token of a text."""
        told = self.log_probabilities(text)
        return float(told[np.arange(len(text)), list(text)].mean())


def _search_options(sampling: Sampling) -> dict[str, Any]:
    if sampling.temperature <= 0:
        return {"do_sample": False}
    return {
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": 0,
        "random_seed": sampling.seed,
    }
