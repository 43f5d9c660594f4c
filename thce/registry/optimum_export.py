"""Optimum's ONNX export of the encoder, in an isolated Ray environment of its own libraries."""

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from thce.engine import input_errors, start_ray
from thce.errors import InputError
from thce.registry.onnx_graph import OPSET

PACKAGES = ("optimum-onnx==0.1.0", "optimum==2.1.0", "transformers==4.57.6")
"""Optimum's last release for ONNX and the last transformers that it takes; none of it enters the
main environment, which stays on transformers 5."""

SETUP_SECONDS = 1800
"""How long a node may take to copy its environment and install the packages into the copy."""


def export_encoder(encoder: Any, path: Path) -> None:
    """Writes a transformers encoder as the fp32 graph that Optimum makes of it.

    Ray clones the node's Python environment, installs PACKAGES into the clone and runs the
    export there, on this node: it shares the local disk with the caller.

    Args:
        encoder: a transformers model on the CPU whose architecture PACKAGES know too.
        path: the .onnx file to write; its inputs are those of the architecture, its output is
            `last_hidden_state`.

    Raises:
        InputError: the environment cannot be set up, or Optimum cannot export this encoder.
    """
    start_ray(worker_logs=False)
    import ray
    from ray.exceptions import RuntimeEnvSetupError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    task = ray.remote(_export_folder).options(
        num_cpus=1,
        max_retries=0,
        runtime_env=_runtime_env(),
        scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
    )
    with TemporaryDirectory(prefix=".optimum.", dir=path.parent) as folder:
        source, target = Path(folder) / "encoder", Path(folder) / "onnx"
        _write_encoder(encoder, source)
        try:
            with input_errors():
                ray.get(task.remote(str(source), str(target)))
        except RuntimeEnvSetupError as error:
            raise InputError(
                f"exporter: optimum: {', '.join(PACKAGES)} could not be installed on node "
                f"{here[:8]}: {_reason(str(error))}; let its pip reach a package index that has "
                "them, or take exporter: torch"
            ) from None
        (target / "model.onnx").rename(path)


def _write_encoder(encoder: Any, folder: Path) -> None:
    """What `from_pretrained` of either transformers reads."""
    from safetensors.torch import save_model

    encoder.config.save_pretrained(folder)
    save_model(encoder, str(folder / "model.safetensors"), metadata={"format": "pt"})


def _runtime_env() -> dict[str, Any]:
    """PACKAGES over a clone of this environment, whose torch is held where it is.

    A pin that the clone already satisfies is not fetched again: no second torch, no CUDA.
    """
    torch = version("torch").partition("+")[0]
    return {
        "pip": [*PACKAGES, f"torch=={torch}"],
        "env_vars": {
            "HF_HUB_OFFLINE": "1",
            "PYTHONWARNINGS": "ignore",
            "TRANSFORMERS_VERBOSITY": "error",
        },
        "config": {"setup_timeout_seconds": SETUP_SECONDS},
    }


def _export_folder(source: str, target: str) -> None:
    """Runs in the isolated environment: an encoder's folder -> TARGET/model.onnx."""
    try:
        from optimum.exporters.onnx import main_export

        main_export(
            source,
            target,
            task="feature-extraction",
            opset=OPSET,
            framework="pt",
            library_name="transformers",
            local_files_only=True,
            do_validation=False,  # the caller compares with torch, more strictly
        )
    except Exception as error:  # errors of libraries that the caller's environment cannot load
        raise InputError(
            f"exporter: optimum cannot export this encoder: {_reason(str(error))}; "
            "take exporter: torch"
        ) from None


def _reason(message: str) -> str:
    """The one line of a long message that says most: pip's first complaint, or the last line."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    complaints = [line for line in lines if line.startswith(("ERROR:", "Error:"))]
    return (complaints or lines[-1:] or ["no reason given"])[0][:300]
