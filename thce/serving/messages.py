"""What is asked and replied, as OpenAPI shows it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from thce.codes.code_types import CodeType
from thce.registry.labels import N_FLAGS
from thce.registry.sample import StrategyName

_EXAMPLE: JsonDict = {
    "encounter_id": "enc-17",
    "note_text": "PROCEDURE: Flexible bronchoscopy. Bronchoalveolar lavage of the lingula.",
    "cpt_codes": ["31624"],
}


class Message(BaseModel):
    """Base of requests: a name that is not known is refused."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class NoteGiven(Message):
    """A note. The text may also come as `text`, `note` or `narrative`, the id as `id`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    note_text: str = Field(min_length=1, description="The note, as it was written.")
    encounter_id: str | None = Field(default=None, max_length=256)
    cpt_codes: list[str] = Field(default=[], description="Codes that were billed.")
    structured: dict[str, bool] | None = Field(
        default=None, description="What a form says, by flag."
    )


class NotesGiven(Message):
    """Several notes."""

    notes: list[NoteGiven] = Field(min_length=1)


class Suggestion(BaseModel):
    """What every reply says of itself."""

    model_config = ConfigDict(protected_namespaces=())

    suggestion: Literal[True] = Field(
        default=True, description="A person decides; see the model card for what it is not for."
    )
    version: str = Field(description="Of the bundle that answered.")
    model_card: str = Field(description="Where the bundle's model card is.")
    degraded: bool = Field(description="Part of the answer is missing; what is there is right.")


class ScoredNote(BaseModel):
    """A row of `thce registry score`."""

    encounter_id: str
    accept: list[str] = Field(description="Flags found, in label order.")
    probabilities: list[float] = Field(min_length=N_FLAGS, max_length=N_FLAGS)
    source: dict[str, Literal["model", "rule", "both"]]
    needs_review: bool


class NotScored(BaseModel):
    """A note without an answer."""

    encounter_id: str
    error: str


class Scored(Suggestion):
    """The reply of /v1/registry."""

    weights: str
    results: list[ScoredNote | NotScored]


class NarrativeGiven(NoteGiven):
    """A note, and the type of code asked."""

    code_type: CodeType = CodeType.ICD10


class CodesGiven(Message):
    """Several notes; `stream` sends the answer of a single note while it is written."""

    notes: list[NarrativeGiven] = Field(min_length=1)
    stream: bool = False


class CodeFound(BaseModel):
    """A billable code."""

    type: CodeType
    code: str
    description: str


class CodedNote(BaseModel):
    """An answer of the coder."""

    encounter_id: str
    codes: list[CodeFound]
    reasoning: list[str]
    hurried: bool = Field(description="A limit closed the reasoning.")
    cut: int = Field(description="Tokens at the note's end that were not read.")


class NotCoded(BaseModel):
    """A note without an answer."""

    encounter_id: str
    error: str


class Coded(Suggestion):
    """The reply of /v1/codes."""

    results: list[CodedNote | NotCoded]


class SampleAsked(Message):
    """Which of these notes a person should look at."""

    notes: list[NoteGiven] = Field(min_length=1)
    batch: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    strategy: StrategyName = "disagreement"
    limit: int = Field(default=50, ge=1, description="Tasks at most.")
    seed: int = Field(default=42, ge=0, lt=2**32)
    blind_fraction: float = Field(default=0.0, ge=0, le=1)
    overlap: int = Field(default=1, ge=1, le=10, description="Annotators of each task.")
    coder: bool = Field(default=False, description="Ask the coder for CPT codes, too.")


class Sampled(BaseModel):
    """The reply of /v1/sample."""

    model_config = ConfigDict(protected_namespaces=())

    batch: str
    created: int = Field(description="Tasks that were added.")
    existing: int = Field(description="Tasks that were in the batch already.")
    deleted: int = Field(description="Notes that were deleted on request and stay out.")
    left_out: dict[str, int] = Field(description="Notes that may not be asked about, by reason.")
    encounter_ids: list[str] = Field(description="Of the tasks chosen, best first.")
    strategy: str = Field(description="The one used: without a model, one that needs none.")
    model_version: str | None
    degraded: list[str] = Field(description="Children that did not answer: registry, coder.")


class BatchShown(BaseModel):
    """A batch and how far it is."""

    batch: str
    created_at: float
    overlap: int
    held_until: float
    tasks: int
    answered: int


def replies(good: type[BaseModel] | None, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The replies of a route, as OpenAPI lists them: the good one if it is a model, the errors."""
    errors = dict.fromkeys((401, 403, *statuses, 408, 429), Problem)
    models: dict[int, type[BaseModel]] = {200: good, **errors} if good else {**errors}
    return {status: {"model": model} for status, model in models.items()}


class Error(BaseModel):
    """What is wrong."""

    status: int
    field: str | None = Field(description="Where in the request.")
    message: str


class Problem(BaseModel):
    """Every error body."""

    error: Error
