"""How likely a causal language model finds each of several answers to one prompt.

The prompt goes through the model once; its keys and values are repeated for a batch of answers.
Works on any folder that `AutoModelForCausalLM` reads, SmolLM2's shape among them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thce.coder.chat import CodeLine, prompt
from thce.codes.code_types import CodeType

if TYPE_CHECKING:
    pass

LONGEST_PROMPT = 1536  # tokens; a longer narrative loses its middle


class AnswerLikelihood:
    """Scores answer lines of a narrative; callable as `rank.Likelihoods`."""

    def __init__(self, model: Any, tokenizer: Any, stage: int = 1, batch: int = 32) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._stage = stage
        self._batch = batch

    @staticmethod
    def load(folder: str, stage: int = 1, tokenizer: str | None = None) -> "AnswerLikelihood":
        """From a folder or a hub's name, in fp32 on the CPU, bf16 on a GPU.

        Args:
            folder: of the model.
            stage: training stage, which decides the prompt.
            tokenizer: its folder, where it lies apart.
        """
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        cuda = torch.cuda.is_available()
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16 if cuda else torch.float32
        )
        return AnswerLikelihood(
            model.to("cuda" if cuda else "cpu"),
            AutoTokenizer.from_pretrained(tokenizer or folder),
            stage,
        )

    def __call__(
        self, narrative: str, code_type: CodeType, codes: Sequence[tuple[str, str]]
    ) -> NDArray[np.float64]:
        """Mean log-likelihood per token of each answer line, natural logarithm.

        Args:
            narrative: the text.
            code_type: of the codes.
            codes: (code, description) of each.
        """
        asked = self._tokenizer.apply_chat_template(
            prompt(self._stage, narrative, code_type), add_generation_prompt=True, tokenize=False
        )
        lines = [str(CodeLine(code_type, code, description)) for code, description in codes]
        return self.log_likelihoods(asked, lines)

    def log_likelihoods(self, asked: str, answers: Sequence[str]) -> NDArray[np.float64]:
        """Mean log-likelihood per token of texts that follow a prompt.

        Args:
            asked: the prompt as text, with whatever opens the answer.
            answers: texts, each followed by the end of the turn.
        """
        import torch

        encode = self._tokenizer.encode
        start = _shortened(encode(asked, add_special_tokens=False))
        end = self._tokenizer.eos_token_id
        ends = [[*encode(text, add_special_tokens=False), end] for text in answers]
        found: list[float] = []
        with torch.inference_mode():
            # The last token of the prompt goes with each answer: its output tells the first token.
            cached = self._model(
                torch.tensor([start[:-1]], device=self._model.device), use_cache=True
            ).past_key_values
            for first in range(0, len(ends), self._batch):
                found += self._scored(cached, start[-1], ends[first : first + self._batch])
        return np.array(found)

    def _scored(self, cached: Any, last: int, ends: Sequence[Sequence[int]]) -> list[float]:
        import copy

        import torch

        device = self._model.device
        longest = max(map(len, ends))
        pad = self._tokenizer.eos_token_id
        # Padding stands behind the answer, where no answer token can see it.
        tokens = torch.tensor([[last, *one, *[pad] * (longest - len(one))] for one in ends])
        tokens = tokens.to(device)
        past = copy.deepcopy(cached)
        past.batch_repeat_interleave(len(ends))
        logits = self._model(tokens[:, :-1], past_key_values=past, use_cache=True).logits
        told = torch.log_softmax(logits.float(), -1)
        told = told.gather(-1, tokens[:, 1:, None]).squeeze(-1)
        lengths = torch.tensor([len(one) for one in ends], device=device)
        counted = torch.arange(longest, device=device)[None, :] < lengths[:, None]
        means: torch.Tensor = (told * counted).sum(1) / lengths
        return means.tolist()


def _shortened(tokens: list[int]) -> list[int]:
    if len(tokens) <= LONGEST_PROMPT:
        return tokens
    half = LONGEST_PROMPT // 2
    return tokens[:half] + tokens[-half:]
