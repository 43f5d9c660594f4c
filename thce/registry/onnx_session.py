"""One-thread onnxruntime sessions: the only place where the exported graph is run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thce.errors import InputError
from thce.registry.encode import TokenIds
from thce.registry.labels import N_FLAGS

Probabilities = NDArray[np.float32]
"""(n, 29) probabilities in label order."""

Device = Literal["cpu", "cuda"]
PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxSession:
    """Token ids -> probabilities with one exported graph on one thread.

    Each note is run alone. A dynamically quantised graph scales its activations over the whole
    batch, so that a note's answer would depend on its neighbours (0.0018 in probability was
    measured in batches of 8); alone it depends on nothing else. On CPU cores batching gains
    nothing at these lengths: throughput comes from several sessions, one a core.
    """

    def __init__(self, path: Path, device: Device = "cpu") -> None:
        """Loads the graph.

        Args:
            path: the exported graph.
            device: where it runs.

        Raises:
            InputError: onnxruntime cannot load the file, it is not a graph of this kind, or this
                onnxruntime has no such device.
        """
        self._session = one_thread_session(path, PROVIDERS[device])
        inputs = [value.name for value in self._session.get_inputs()]
        outputs = [value.shape[-1] for value in self._session.get_outputs()]
        if inputs != ["input_ids", "attention_mask"] or outputs != [N_FLAGS]:
            raise InputError(f"{path}: not a graph from token ids to {N_FLAGS} logits")

    def probabilities(self, sequences: Sequence[TokenIds]) -> Probabilities:
        """Probabilities (n, 29) of n token sequences, longest first but in the order given.

        Longest first lets the arena that onnxruntime keeps grow once instead of step by step.
        """
        logits = np.empty((len(sequences), N_FLAGS), dtype=np.float64)
        for row in sorted(range(len(sequences)), key=lambda row: -len(sequences[row])):
            ids = sequences[row][np.newaxis]
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
            logits[row] = self._session.run(None, feed)[0][0]
        return sigmoid(logits)


def one_thread_session(path: Path, provider: str = PROVIDERS["cpu"]) -> Any:
    """An onnxruntime session of one thread whose answers do not depend on the hour.

    Raises:
        InputError: onnxruntime cannot load the file, or has no such provider.
    """
    import onnxruntime

    if provider not in onnxruntime.get_available_providers():
        raise InputError(f"device: this onnxruntime has no {provider}; install its build")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # onnxruntime has no common error class
        reason = (str(error).splitlines() or ["no reason"])[0][:200]
        raise InputError(f"{path}: onnxruntime cannot load it: {reason}") from None


def sigmoid(logits: NDArray[Any]) -> Probabilities:
    """Logits -> float32 probabilities, without overflow, the same for torch and onnxruntime."""
    decay = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits >= 0, 1 / (1 + decay), decay / (1 + decay)).astype(np.float32)
