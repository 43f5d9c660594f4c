"""DeepSpeed's messages on standard error, for standard output is the report's."""

import os
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec


def deepspeed_to_stderr(device: str | None = None) -> None:
    """Imports DeepSpeed, where it is installed, such that its logger writes to standard error.

    transformers and accelerate import it on their own, and its logger keeps the stream that it
    finds then. Call this before they do, inside the process that trains.

    Args:
        device: `cpu` or `cuda`, which it would else guess and say so; by default the GPU where
            there is one.
    """
    import torch

    os.environ["DS_ACCELERATOR"] = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if find_spec("deepspeed") is not None:
        with redirect_stdout(sys.stderr):
            import deepspeed  # noqa: F401
