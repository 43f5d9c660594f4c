"""Hydration on Ray Data: the chunks of an input are hydrated side by side."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from thce.notes.read import plan_read, plan_tables
from thce.registry.hydrate_ray import hydrated_dataset, prepare_and_hydrate

pytestmark = pytest.mark.usefixtures("ray_session")


def test_every_chunk_is_a_task_and_the_rows_are_those_of_one_process(tmp_path: Path) -> None:
    for number in range(3):
        rows = [{"id": f"{number}-{row}", "text": f"BAL in lobe {row}."} for row in range(5)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{number}.jsonl").write_text(lines, encoding="utf-8")
    plan = plan_read(str(tmp_path), quarantine=None)
    found = hydrated_dataset(plan).materialize()
    assert found.num_blocks() == len(plan.chunks) == 3
    alone = prepare_and_hydrate(pa.concat_tables(plan_tables(plan)))
    assert pa.Table.from_pandas(found.to_pandas(), schema=alone.schema).to_pylist() == (
        alone.to_pylist()
    )
