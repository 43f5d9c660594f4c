"""Mixes a trained retriever with the weights it started from (Wortsman et al. 2022).

Official terms teach the wording of the classification, the start knows plain language; a mixture
may know both. The share is a choice to make on development narratives.

    python -m thce.coder.mix_retriever --start FOLDER --trained FOLDER --keep 0.3 --output FOLDER
"""

import argparse
import json
from pathlib import Path

from thce.coder.encoder import Encoder
from thce.coder.pieces import write_pieces


def mix(start: Encoder, trained: Encoder, keep: float) -> Encoder:
    """The trained encoder with `keep` of the starting weights and the rest of its own.

    Args:
        start: of the same shape.
        trained: changed in place.
        keep: 0 leaves the trained weights, 1 restores the start.
    """
    before = start.model.state_dict()
    mixed = {
        name: value * (1 - keep) + before[name] * keep if value.is_floating_point() else value
        for name, value in trained.model.state_dict().items()
    }
    trained.model.load_state_dict(mixed)
    return trained


def save_mixture(start: Path, trained: Path, keep: float, output: Path) -> int:
    """Writes a folder like the trained one; returns the bytes of its weights."""
    encoder = mix(Encoder.load(start), Encoder.load(trained), keep)
    output.mkdir(parents=True, exist_ok=True)
    encoder.model.config.save_pretrained(output)
    encoder.tokenizer.save_pretrained(output)
    record = json.loads((trained / "training.json").read_text())
    (output / "training.json").write_text(json.dumps({**record, "keep_start": keep}, indent=2))
    return write_pieces(output, encoder.model.state_dict())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("start", "trained", "output"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--keep", required=True, type=float)
    given = parser.parse_args()
    if not 0 <= given.keep <= 1:
        parser.error("--keep is a share, 0 to 1")
    print(save_mixture(given.start, given.trained, given.keep, given.output))


if __name__ == "__main__":
    main()
