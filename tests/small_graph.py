"""Models of the coder as its graphs are made of them, and such a graph."""

from pathlib import Path

from small_decoder import small_decoder, smollm2

from thce.coder.base_model import starting_folders
from thce.coder.export_graph import export_graph


def base_folder() -> Path:
    """SmolLM2 as it comes, without think tags."""
    return smollm2()


def small_model(folder: Path) -> Path:
    """Two random layers with the think tags, whose answers depend on their prompts."""
    return small_decoder(folder, tagged=True, spread=0.2)


def small_graph(model: Path, output: Path) -> Path:
    """Its int4 graph."""
    export_graph(model, output, "int4")
    return output


def full_model() -> Path:
    """The folder of SmolLM2 whole, with the think tags."""
    smollm2()
    return starting_folders("smollm2", None)[0]
