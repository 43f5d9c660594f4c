"""What lies where in a coder's bundle and in what the export step writes."""

from pathlib import Path

EXPORT_FILE = "export.json"
CONFIDENCE_FILE = "confidence.json"
RANKER_FILE = "ranker.yaml"
TRAINING_FILE = "training.json"


def graph_folder(coder: Path, precision: str) -> Path:
    """Where a graph lies in a bundle or an export."""
    return coder / "onnx" / precision
