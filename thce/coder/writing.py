"""One answer while it is written: what may come next, what is forced, and when it is whole."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thce.coder import chat
from thce.coder.constraint import Walk
from thce.coder.encode import ChatEncoder
from thce.codes.catalogue import Catalogue

DESCRIPTION_TOKENS = 96  # of a longer description the model sees the beginning


@dataclass(frozen=True)
class Marks:
    """Tokens with a meaning: the end of an answer, of a line, and of reasoning if there is any."""

    end: int
    line_end: int
    close: int | None


class Writing:
    """An answer of one row of a batch.

    Attributes:
        tokens: all of it, the beginning and descriptions that were shown included.
        begun: how many of them it began with.
        opening: how many of them lie before the code lines: the reasoning with its tags.
        hurried: a limit closed the reasoning.
        finished: no more is to come.
        told: log-likelihood of the code lines' tokens among those allowed.
    """

    def __init__(
        self,
        walk: Walk,
        marks: Marks,
        prompts: ChatEncoder,
        catalogue: Catalogue,
        reasoning_tokens: int,
        first: Sequence[int],
    ) -> None:
        """Begins with tokens that the language allows only so."""
        self._walk = walk
        self._marks = marks
        self._prompts = prompts
        self._catalogue = catalogue
        self._reasoning_tokens = reasoning_tokens
        self._reasoning = marks.close is not None
        self._forced: deque[int] = deque()
        self._chosen: list[int] = []  # the answer in the grammar's language
        self.tokens: list[int] = []
        self.opening = 0
        self.hurried = False
        self.finished = False
        self.told = 0.0
        self.begun = len(first)
        for token in first:
            self._choose(token)

    @property
    def choosing(self) -> bool:
        """Whether the next token is a choice within a code line."""
        return not (self._reasoning or self._forced or self.finished)

    def allowed(self, late: bool) -> NDArray[np.bool_]:
        """(vocabulary,) the tokens of the next step.

        Args:
            late: a time limit has passed; the shortest way to the codes is taken.
        """
        if self._forced:
            return self._only(self._forced[0])
        if self.finished:
            return self._only(self._marks.end)
        mask = self._walk.allowed()
        if late or (self._reasoning and len(self.tokens) >= self._reasoning_tokens):
            return self._shortest(mask)
        return mask

    def take(self, token: int) -> None:
        """The token that was chosen of those allowed."""
        if self._forced:
            self.tokens.append(self._forced.popleft())
        elif not self.finished:
            self._choose(token)

    def text(self) -> str:
        """All of it so far, the beginning and descriptions that were shown included."""
        written: str = self._prompts.tokenizer.decode(self.tokens, skip_special_tokens=False)
        return written

    def answer(self) -> chat.Answer:
        """What was written, with descriptions of the catalogue.

        A line that a limit of length cut off is no code line and is left out; each code is given
        once.
        """
        written = self._prompts.tokenizer.decode(self._chosen, skip_special_tokens=False)
        if not self._walk.whole:
            written = written.rpartition("\n")[0]
        read = chat.read_answer(written)
        described = {
            line.code: replace(line, description=self._description(line.code))
            for line in read.codes
        }
        return replace(read, codes=tuple(described.values()))

    def _choose(self, token: int) -> None:
        self.tokens.append(token)
        if token == self._marks.end:
            self.finished = True
            return
        self._walk.take(token)
        self._chosen.append(token)
        if token == self._marks.close:
            self._reasoning = False
            self.opening = len(self.tokens)
        if not self._reasoning and self._walk.whole:
            self._after_code()

    def _after_code(self) -> None:
        """A code is whole: the answer ends here, or the code's description is shown."""
        follow = np.flatnonzero(self._walk.allowed()).tolist()
        if follow == [self._marks.end]:
            self.finished = True
        elif set(follow) == {self._marks.end, self._marks.line_end}:
            self._forced.extend(self._shown_description())

    def _shown_description(self) -> list[int]:
        last = self._prompts.tokenizer.decode(self._chosen).rpartition(" ")[2]
        shown = self._prompts.text_ids(f" ({self._description(last)}")[:DESCRIPTION_TOKENS]
        return shown + self._prompts.text_ids(")")

    def _description(self, code: str) -> str:
        row = self._catalogue.row(code)
        return self._catalogue.tables.descriptions[row]

    def _shortest(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Ends the answer where it may end, else the reasoning, else the line."""
        for token in (self._marks.end, self._marks.close, self._marks.line_end):
            if token is not None and mask[token]:
                self.hurried = True
                return self._only(token)
        return mask

    def _only(self, token: int) -> NDArray[np.bool_]:
        mask = np.zeros(self._walk.size, np.bool_)
        mask[token] = True
        return mask
