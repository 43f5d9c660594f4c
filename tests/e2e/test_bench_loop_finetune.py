"""The label-efficiency bench with the real learner, at a size that a test can wait for."""

from pathlib import Path

import pytest
from small_training import shipped_notes, small_base

from thce.bench.label_efficiency import LabelEfficiencyConfig, run
from thce.files import write_jsonl


@pytest.mark.soak
def test_the_loop_itself_is_the_learner(
    module_folder: Path, registry_data: Path, ray_session: None
) -> None:
    rows = shipped_notes(registry_data, "a", 60)
    write_jsonl(module_folder / "notes.jsonl", rows)
    base = small_base(module_folder / "base", [row["text"] for row in rows])
    config = LabelEfficiencyConfig.model_validate(
        {
            "notes": [str(module_folder / "notes.jsonl")],
            "output": str(module_folder / "bench"),
            "strategies": ["random", "hybrid"],
            "learner": "finetune",
            "splits": 1,
            "start": 5,
            "batch": 6,
            "rounds": 2,
            "recipe": {
                "model_name": base,
                "head_tokens": 64,
                "tail_tokens": 32,
                "epochs": 2,
                "checkpoint_every": 0,
            },
            "warm": {"epochs": 1},
        }
    )
    found = run(config)
    assert [one["strategy"] for one in found["results"]] == ["random", "hybrid"]
    assert all(one["learner"] == "finetune" for one in found["results"])
    assert all(one["budget"] == 5 + 2 * 6 for one in found["results"])
    assert all(0 <= one["final_micro_f1"][0] <= 1 for one in found["results"])
    assert "fine-tuned in every round" in Path(found["report"]).read_text(encoding="utf-8")
    course = module_folder / "bench" / "courses" / "42-hybrid" / "rounds"
    assert (course / "2" / "bundle" / "manifest.json").is_file()
