"""The label-efficiency bench with the real learner, at a size that a test can wait for."""

from pathlib import Path

import pytest
from small_training import small_tokenizer

from thce.bench.label_efficiency import LabelEfficiencyConfig, run
from thce.files import read_jsonl, write_jsonl


@pytest.mark.soak
def test_the_loop_itself_is_the_learner(
    tmp_path: Path, registry_data: Path, ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertConfig, BertModel

    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    rows = read_jsonl(registry_data / "registry_notes_a.jsonl")[:60]
    write_jsonl(tmp_path / "notes.jsonl", rows)
    small = BertConfig(
        vocab_size=600,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(small, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    small_tokenizer([row["text"] for row in rows]).save_pretrained(tmp_path / "base")
    config = LabelEfficiencyConfig.model_validate(
        {
            "notes": [str(tmp_path / "notes.jsonl")],
            "output": str(tmp_path / "bench"),
            "strategies": ["random", "hybrid"],
            "learner": "finetune",
            "splits": 1,
            "start": 5,
            "batch": 6,
            "rounds": 2,
            "recipe": {
                "model_name": str(tmp_path / "base"),
                "head_tokens": 96,
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
    course = tmp_path / "bench" / "courses" / "42-hybrid" / "rounds"
    assert (course / "2" / "bundle" / "manifest.json").is_file()
