"""SmolLM2's full weights through the three stages, each from the bundle of the one before."""

import math
from pathlib import Path

import pytest
from small_coder import rows, write_rows
from small_decoder import smollm2
from user_commands import REPOSITORY, report_of, thce

from thce.files import read_jsonl
from thce.paths import home

pytestmark = pytest.mark.soak

CHANCE = math.log(49154)
"""The loss of a model that knows nothing."""


def test_three_stages_of_the_full_weights(tmp_path: Path) -> None:
    smollm2()
    start: Path | None = None
    for stage in (1, 2, 3):
        output, bundle = tmp_path / f"out-{stage}", tmp_path / f"bundle-{stage}"
        command: list[object] = ["coder", "train", "--json", "--output", output]
        for file in (f"stage_{stage}", "cpu"):
            command += ["--config", REPOSITORY / "configs" / "coder" / f"{file}.yaml"]
        command += ["--data", write_rows(tmp_path / f"stage_{stage}.jsonl", rows(stage, 24))]
        command += ["--set", "batch_size=8", "--set", "epochs=2", "--set", "learning_rate=1e-4"]
        command += ["--init-from", start] if start else ["--set", "init_from=null"]
        report_of(thce(*command, home=home(), timeout=1800))
        losses = [line["loss"] for line in read_jsonl(output / "metrics.jsonl")]
        assert len(losses) == 6 and losses[-1] < losses[0]
        if stage == 1:
            assert losses[0] < CHANCE / 2
        if stage == 3:
            assert losses[0] == pytest.approx(1.0, abs=1e-6)
        report_of(
            thce("coder", "bundle", "--model", output, "--output", bundle, "--json", home=home())
        )
        start = bundle
