"""What the annotation page and its API say to each other."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from thce.annotations.answers import Verdict
from thce.annotations.review import Dispute
from thce.annotations.screen import Given, Screen
from thce.registry.labels import DETAILS, FLAGS, Flag
from thce.serving.annotator_keys import KEYS
from thce.serving.annotator_opinions import Opinion, Seen

AnswerId = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9-]{8,64}$",
        description="Made by the client; the same whenever it sends this answer again.",
    ),
]
Version = Annotated[int, Field(ge=0, le=2**62, description="As it came with the task.")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NextAsked(_Message):
    """Which batch to draw from; all of them by default."""

    batch: str | None = Field(default=None, max_length=200)


class AnswerGiven(_Message):
    """An answer to the task on screen.

    Attributes:
        id: made by the client.
        task_id: the task.
        version: of the task on screen.
        answer: accept makes labels; reject says the note is no good; ignore leaves it open.
        accept: the flags ticked, nothing ticked means that none was done.
    """

    id: AnswerId
    task_id: str = Field(max_length=64)
    version: Version
    answer: Literal["accept", "reject", "ignore"]
    accept: list[Flag] = Field(max_length=len(FLAGS))

    def given(self) -> Given:
        """As the store takes it; the order of the flags says nothing."""
        ticked = tuple(flag for flag in FLAGS if flag in self.accept)
        return Given(self.id, self.task_id, self.version, Verdict(self.answer), ticked)


class UndoGiven(_Message):
    """Takes an answer back; its task is on screen again."""

    id: AnswerId
    task_id: str = Field(max_length=64)
    version: Version

    def given(self) -> Given:
        """As the store takes it."""
        return Given(self.id, self.task_id, self.version, Verdict.UNDO)


class RulingGiven(_Message):
    """What a reviewer decides about the disputed flags of a note."""

    id: AnswerId
    version: Version
    decided: dict[Flag, bool] = Field(min_length=1)


class FlagShown(BaseModel):
    """A flag's name, meaning and key on the keyboard."""

    flag: Flag
    title: str
    definition: str
    group: str
    key: str


class Box(BaseModel):
    """A checkbox of a task.

    Attributes:
        flag: the flag.
        prefilled: ticked beforehand.
        disputed: one source says yes and another no.
        opinions: what each source says.
    """

    flag: Flag
    prefilled: bool
    disputed: bool
    opinions: list[Opinion]


class MentionShown(BaseModel):
    """Where the rules see a flag; offsets count characters (code points) from 0."""

    flag: Flag
    start: int
    end: int
    assertion: str
    confidence: float


class TaskShown(BaseModel):
    """A task as one annotator sees it; a blind one has no opinions, mentions or prefill.

    Attributes:
        version: an answer gives it back.
        answer: that stands, null without one.
        ticked: the boxes ticked now: the annotator's own latest ones, else the prefill.
        model_version: the bundle whose opinions these are.
        explained: whether the passages that moved the model can be asked for.
    """

    task_id: str
    encounter_id: str
    batch: str
    version: int
    blind: bool
    answer: Verdict | None
    text: str
    ticked: list[Flag]
    boxes: list[Box]
    mentions: list[MentionShown]
    model_version: str | None
    explained: bool

    @classmethod
    def of(cls, screen: Screen, seen: Seen, *, explained: bool) -> "TaskShown":
        """A screen with what may be shown beside it."""
        task = screen.task
        return cls(
            task_id=task.task_id,
            encounter_id=task.encounter_id,
            batch=task.batch,
            version=screen.version,
            blind=task.blind,
            answer=screen.verdict,
            text=task.text,
            ticked=list(task.ticked if screen.accept is None else screen.accept),
            boxes=[
                Box(
                    flag=flag,
                    prefilled=flag in task.ticked,
                    disputed=seen.disputed(flag),
                    opinions=list(seen.opinions.get(flag, ())),
                )
                for flag in task.options
            ],
            mentions=[_mention(one) for one in seen.mentions],
            model_version=seen.model_version,
            explained=explained,
        )


class NextShown(BaseModel):
    """The task to answer now; null when none is left for this annotator."""

    task: TaskShown | None


class PassagesShown(BaseModel):
    """The passages that moved the model, and how that was found out."""

    method: str
    passages: list[dict[str, Any]]


class DisputeShown(BaseModel):
    """A note that annotators disagree on; `votes` by flag and annotator."""

    encounter_id: str
    version: int
    text: str
    votes: dict[Flag, dict[str, bool]]
    mentions: list[MentionShown]

    @classmethod
    def of(cls, found: Dispute, mentions: list[Any]) -> "DisputeShown":
        """A dispute with what the rules see of its flags."""
        return cls(
            encounter_id=found.encounter_id,
            version=found.version,
            text=found.text,
            votes={flag: dict(votes) for flag, votes in found.votes.items()},
            mentions=[_mention(one) for one in mentions],
        )


def every_flag() -> list[FlagShown]:
    """All flags in canonical order."""
    return [
        FlagShown(
            flag=flag,
            title=detail.title,
            definition=detail.definition,
            group=detail.group,
            key=KEYS[flag],
        )
        for flag, detail in ((flag, DETAILS[flag]) for flag in FLAGS)
    ]


def _mention(one: Any) -> MentionShown:
    return MentionShown(
        flag=one.flag,
        start=one.start,
        end=one.end,
        assertion=one.assertion.value,
        confidence=round(one.confidence, 2),
    )
