"""The coder as a deployment: a note in, reasoning and billable codes out, whole or as written."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from thce.coder.generate import Generated, Generator, Question
from thce.codes.code_types import CodeType
from thce.errors import InputError
from thce.notes.prepare import prepare
from thce.notes.rows import Note
from thce.serving.coder_graph import coder_graph
from thce.serving.coder_routes import routes
from thce.serving.config import CoderArgs
from thce.serving.meters import count
from thce.serving.problems import ProblemError
from thce.serving.security import Security
from thce.serving.shell import Shell

WARM = "Cough and fever for three days."


@dataclass(frozen=True)
class Narrative:
    """A note and the type of code asked of it."""

    note: Note
    code_type: CodeType


class CoderModel:
    """A replica: one graph that decodes one answer at a time."""

    def __init__(self, args: CoderArgs) -> None:
        """Loads the graph and compiles the language of ICD-10-CM.

        Raises:
            InputError: there is no graph, or the token file is not valid.
        """
        found = coder_graph(args.model, args.precision)
        self.version = found.version
        self._args = args
        self._card = found.card
        self._security = Security.open(args.safety.token_file)
        self._generator = Generator.load(found.graph, found.tokenizer, args.generate, args.threads)
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        for _ in self._generator.write(Question(WARM, CodeType.ICD10), 1.0):
            pass

    def __serve_build_asgi_app__(self) -> Shell:
        """The HTTP side; Serve calls it once, in the replica."""
        app = FastAPI(title="thce coder", docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(routes(self, "/", self._args.safety))
        safety = self._args.safety
        return Shell(app, "coder", safety, self._security, admit=self.require_room)

    def require_room(self) -> None:
        """Refuses what would wait too long.

        Raises:
            ProblemError: 503, as many requests wait as may.
        """
        if self._waiting >= self._args.waiting:
            seconds = round(self._waiting * self._args.seconds / 4)
            raise ProblemError(
                503, "the coder is busy; send again later", retry_after=max(1, seconds)
            )

    async def answer(self, narrative: Narrative) -> dict[str, Any]:
        """The whole answer to one note; when the caller is cancelled, so is the decoding.

        Raises:
            ProblemError: 503, see `require_room`.
        """
        async for piece in self.write(narrative):
            if isinstance(piece, dict):
                return piece
        raise AssertionError("an answer ends with itself")

    async def write(self, narrative: Narrative) -> AsyncIterator[str | dict[str, Any]]:
        """The answer to one note as it is written: pieces of text, and last the answer as JSON.

        Raises:
            ProblemError: 503, see `require_room`; 422, no code of that type is billable.
        """
        self.require_room()
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        stop = threading.Event()
        pieces: asyncio.Queue[str | Generated | Exception] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(piece: str | Generated | Exception) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        work = loop.run_in_executor(None, self._decode, narrative, stop, tell)
        work.add_done_callback(lambda _: self._turn.release())
        try:
            while True:
                piece = await pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, Generated):
                    yield self._shown(narrative, piece)
                    return
                yield piece
        finally:
            stop.set()

    async def codes(self, notes: list[tuple[str, str]]) -> tuple[str, list[list[str]]]:
        """CPT codes of texts with their encounter ids, for the sampler; and the version."""
        found = []
        for encounter_id, text in notes:
            note = Note(encounter_id, text, [], None, None, None)
            answer = await self.answer(Narrative(note, CodeType.CPT))
            found.append([code["code"] for code in answer["codes"]])
        return self.version, found

    def describe(self) -> dict[str, Any]:
        """Version and model card."""
        return {"version": self.version, "model_card": self._card}

    def _decode(self, narrative: Narrative, stop: threading.Event, tell: Any) -> None:
        """On a thread: decodes until the answer is whole or nobody wants it any more."""
        try:
            for piece in self._pieces(narrative):
                if stop.is_set():
                    return
                tell(piece)
        except InputError as error:
            tell(ProblemError(422, str(error), "code_type"))
        except Exception as error:
            tell(error)

    def _pieces(self, narrative: Narrative) -> Iterator[str | Generated]:
        text = prepare(narrative.note.note_text).text
        return self._generator.write(Question(text, narrative.code_type), self._args.seconds)

    def _shown(self, narrative: Narrative, found: Generated) -> dict[str, Any]:
        labels = {"version": self.version, "type": narrative.code_type.value}
        count("thce_coder_answers", "Answers of the coder.", labels)
        count("thce_coder_tokens", "Tokens decoded.", labels, found.tokens)
        count("thce_coder_codes", "Codes answered.", labels, len(found.answer.codes))
        count("thce_coder_hurried", "Answers that a limit closed.", labels, found.hurried)
        return {
            "encounter_id": narrative.note.encounter_id,
            "codes": [
                {"type": line.code_type.value, "code": line.code, "description": line.description}
                for line in found.answer.codes
            ],
            "reasoning": list(found.answer.reasoning or ()),
            "hurried": found.hurried,
            "cut": found.cut,
        }
