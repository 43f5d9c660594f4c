"""The sample files: fifty rows of each stage, from the examples that are not frozen."""

from pathlib import Path
from typing import Any

from thce.coder.chat import STAGES
from thce.coder.draw import stable_hash
from thce.coder.example_files import ExampleFile
from thce.coder.rows import fits, stage_table
from thce.config import Config
from thce.files import write_jsonl


class SampleConfig(Config):
    """Which examples, and where the sample files go.

    Attributes:
        examples: JSONL of examples.
        exclude_ids: file with the ids of the frozen test.
        output: folder of `stage_1.jsonl`, `stage_2.jsonl` and `stage_3.jsonl`.
        rows: how many for each stage.
    """

    examples: str = "data/coder/coder_examples.jsonl"
    exclude_ids: str = "data/coder/frozen_test_ids.txt"
    output: str = "data/coder"
    rows: int = 50


def run(config: SampleConfig) -> dict[str, Any]:
    """Writes the sample files: the rows with the lowest hash of their id, in the order of ids.

    Raises:
        InputError: a file cannot be read.
    """
    source = ExampleFile(config.examples, config.exclude_ids, Path(config.examples).stem)
    examples = source.examples(range(len(source)))
    written = {}
    for stage in STAGES:
        chosen = sorted(
            (one for one in examples if fits(stage, one)), key=lambda one: stable_hash(one.id)
        )[: config.rows]
        table = stage_table(stage, sorted(chosen, key=lambda one: one.id))
        path = Path(config.output) / f"stage_{stage}.jsonl"
        written[str(path)] = write_jsonl(path, table.to_pylist())
    return {"rows": written, "left_out": len(source) - config.rows, "output": config.output}
