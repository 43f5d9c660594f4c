"""What each part of the application is told in configs/serve/*.yaml, under `args`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from thce.coder.generate_config import GenerateConfig
from thce.config import Config
from thce.registry.onnx_session import Device

Precision = Literal["int4", "int8"]


def _as_ray_sees_it(path: str | None) -> str | None:
    from thce.paths import home

    return path.replace("$THCE_HOME", str(home()), 1) if path is not None else None


Place = Annotated[str, AfterValidator(_as_ray_sees_it)]
"""A path, where `$THCE_HOME` at its beginning stands for the folder."""


class Args(Config):
    """Base: a default is read as a given value is, `$THCE_HOME` in it included."""

    model_config = ConfigDict(validate_default=True)


class Safety(Args):
    """What a server accepts, and from whom.

    Attributes:
        token_file: who may ask (docs/security.md); None serves this machine alone.
        audit: folder of the audit logs; None writes none.
        body_bytes: of a request at most; more is 413.
        note_characters: of one note at most; more is 422.
        notes: of one request at most; more is 422.
        body_seconds: in which a request's body must have come; longer is 408.
        rate: requests a second of one caller and replica; more is 429.
        burst: requests that a caller may send at once.
    """

    token_file: Place | None = None
    audit: Place | None = "$THCE_HOME/serving/audit"
    body_bytes: int = Field(default=1_000_000, ge=1_000)
    note_characters: int = Field(default=100_000, ge=100)
    notes: int = Field(default=64, ge=1)
    body_seconds: float = Field(default=10.0, gt=0)
    rate: float = Field(default=200.0, gt=0)
    burst: int = Field(default=400, ge=1)


class RegistryArgs(Args):
    """The registry's model.

    Attributes:
        model: a bundle's folder or URL, or `champion:CHANNEL`, which is followed: a promotion or
            a rollback is served within `follow_seconds`, no request dropped.
        weights: fp32 or int8; None takes the bundle's default.
        sessions: one-thread sessions of a replica; give it as many cores.
        device: where the graph runs.
        waiting: notes that may wait for a session of the replica; beyond, 503.
        seconds: in which a request must be scored; notes that are not are left out, `degraded`.
        follow_seconds: between two looks at the channel.
        shadow: a bundle that scores `shadow_share` of the notes beside the one that answers.
        shadow_share: of the notes, in 0 to 1.
        fingerprint: what `thce serve fingerprint` wrote; None watches no drift.
        safety: see `Safety`.
    """

    model: Place = "champion:registry"
    weights: str | None = None
    sessions: int = Field(default=1, ge=1)
    device: Device = "cpu"
    waiting: int = Field(default=16, ge=1)
    seconds: float = Field(default=20.0, gt=0)
    follow_seconds: float = Field(default=10.0, gt=0)
    shadow: Place | None = None
    shadow_share: float = Field(default=0.1, ge=0, le=1)
    fingerprint: Place | None = None
    safety: Safety = Safety()


class CoderArgs(Args):
    """The coder's language model.

    Attributes:
        model: a bundle with graphs, or what `thce coder export` wrote; None serves the base
            model, converted once and kept under THCE_HOME.
        precision: of its graph.
        threads: of one decoding.
        waiting: requests that may wait for the decoder; beyond, 503.
        seconds: in which an answer must be written; the reasoning is closed early to keep it.
        generate: how answers are generated.
        safety: see `Safety`.
    """

    model: Place | None = None
    precision: Precision = "int4"
    threads: int = Field(default=1, ge=1)
    waiting: int = Field(default=4, ge=1)
    seconds: float = Field(default=30.0, gt=0)
    generate: GenerateConfig = GenerateConfig(reasoning_tokens=96)
    safety: Safety = Safety()


class FrontArgs(Args):
    """The page, the sampler and what is said about the whole.

    Attributes:
        store: the annotation store, on the local disk of the machine that runs the front.
        registry: name of the registry's application; None where there is none.
        coder: name of the coder's application; None where there is none.
        seconds: that a child may take; a sample goes on without it, `degraded`.
        limit: tasks of one sample at most.
        explained: the registry's bundle, whose passages that moved it the page shows; None
            shows those of the rules alone.
        safety: see `Safety`.
    """

    store: Place = "$THCE_HOME/registry/annotations.sqlite"
    registry: str | None = "registry"
    coder: str | None = "coder"
    seconds: float = Field(default=30.0, gt=0)
    limit: int = Field(default=200, ge=1)
    explained: Place | None = None
    safety: Safety = Safety()
