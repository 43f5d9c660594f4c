"""Training without Ray: what is learnt, counted, written, resumed and refused."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_coder import rows, write_rows
from small_decoder import small_decoder

from thce.coder.train_config import TrainConfig
from thce.config import load
from thce.errors import InputError
from thce.files import read_json, read_jsonl, sha256_file

SIZE = {"batch_size": 4, "micro_batch_size": 2, "log_every": 1, "precision": "fp32"}
FIGURES = ("loss", "grad_norm", "learning_rate", "tokens_per_second", "samples_per_second")


@pytest.fixture(scope="module", autouse=True)
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A two-layer model with the real tokenizer, and a THCE_HOME for all tests of the file."""
    folder = tmp_path_factory.mktemp("coder")
    model = small_decoder(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THCE_HOME", str(folder / "home"))
        yield str(model)


def configured(stage: int, base: str, folder: Path, **fields: Any) -> TrainConfig:
    given = {
        "stage": stage,
        "data": write_rows(folder / f"stage_{stage}.jsonl", rows(stage, 10)),
        "output": str(folder / "out"),
        "model_name": base,
        "checkpoint_every": 0,
        "gradient_checkpointing": False,
    }
    return TrainConfig(**(given | SIZE | fields))


def train(config: TrainConfig) -> dict[str, Any]:
    from thce.coder.train_plain import train_plain

    return train_plain(config)


def lines(config: TrainConfig) -> list[dict[str, Any]]:
    return read_jsonl(Path(config.output) / "metrics.jsonl")


def test_three_stages_one_from_the_other(base: str, tmp_path: Path) -> None:
    start = None
    for stage in (1, 2, 3):
        config = configured(
            stage,
            base,
            tmp_path / str(stage),
            init_from=start,
            epochs=3 if stage == 1 else 1,
            learning_rate=1e-2 if stage == 1 else 1e-4,
        )
        report = train(config)
        found = lines(config)
        assert report["steps"] == len(found) == (9 if stage == 1 else 3)  # the last of each: 2 rows
        assert all(math.isfinite(line[name]) for line in found for name in FIGURES)
        assert all(0 <= line["mfu"] < 1 and line["memory_gib"] > 0 for line in found)
        if stage == 1:
            assert found[-1]["loss"] < found[0]["loss"] - 1
        if stage == 3:
            assert found[0]["loss"] == pytest.approx(1.0, abs=1e-6)
            assert "rewards/margins" in found[0]
        else:
            assert 0 <= found[0]["mean_token_accuracy"] <= 1
        start = config.output
    tokenizer = read_json(Path(start or "") / "tokenizer" / "tokenizer.json")
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    assert (added["<think>"], added["</think>"]) == (49152, 49153)
    assert read_json(Path(start or "") / "model" / "config.json")["vocab_size"] == 49154


def test_embeddings_stay_one_matrix(base: str, tmp_path: Path) -> None:
    from safetensors import safe_open

    config = configured(1, base, tmp_path, max_steps=1)
    train(config)
    with safe_open(f"{config.output}/model/model.safetensors", "pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    assert [name for name, shape in shapes.items() if shape[0] == 49154] == [
        "model.embed_tokens.weight"
    ]
    assert read_json(f"{config.output}/model/config.json")["tie_word_embeddings"] is True


@pytest.mark.parametrize("stage", [1, 3])
def test_the_size_of_micro_batches_does_not_change_the_losses(
    base: str, tmp_path: Path, stage: int
) -> None:
    found = []
    for size in (4, 3, 1):
        config = configured(
            stage,
            base,
            tmp_path / str(size),
            data=write_rows(tmp_path / "six.jsonl", rows(stage, 6)),
            micro_batch_size=size,
            learning_rate=1e-3,
            epochs=1 if stage == 3 else 2,
        )
        train(config)
        found.append([line["loss"] for line in lines(config)])
    assert found[1] == pytest.approx(found[0], abs=1e-4)
    assert found[2] == pytest.approx(found[0], abs=1e-4)


def test_an_interrupted_training_ends_as_one_that_was_not(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thce.coder.trainers import ShowProgress

    fields = {"checkpoint_every": 2, "epochs": 2, "neftune": 0.02}
    whole = configured(2, base, tmp_path / "whole", **fields)
    train(whole)
    cut = configured(2, base, tmp_path / "cut", **fields)
    say = ShowProgress.on_log

    def stop(self: Any, args: Any, state: Any, control: Any, **others: Any) -> None:
        say(self, args, state, control, **others)
        if state.global_step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ShowProgress, "on_log", stop)
        with pytest.raises(KeyboardInterrupt):
            train(cut)
    assert not Path(cut.output).exists()
    train(cut)
    assert [line["loss"] for line in lines(cut)] == [line["loss"] for line in lines(whole)]
    assert sha256_file(f"{cut.output}/model/model.safetensors") == sha256_file(
        f"{whole.output}/model/model.safetensors"
    )


def test_adapters_learn_and_are_merged(base: str, tmp_path: Path) -> None:
    config = configured(1, base, tmp_path, lora={"rank": 4}, learning_rate=1e-2, epochs=2)
    train(config)
    found = lines(config)
    assert found[-1]["loss"] < found[0]["loss"]
    assert sorted(path.name for path in (tmp_path / "out" / "model").iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
    ]


def test_a_dry_run_reports_and_writes_nothing(base: str, tmp_path: Path) -> None:
    report = train(configured(1, base, tmp_path, dry_run=True, epochs=3))
    assert (report["steps"], report["examples_per_step"]) == (9, 4)
    assert report["lengths"]["examples"] == 10
    assert report["lengths"]["answers_dropped"] == 0
    assert math.isfinite(report["first_loss"]) and report["memory_gib"] > 0
    assert not (tmp_path / "out").exists()


def test_fully_truncated_answers_are_counted_not_learnt(base: str, tmp_path: Path) -> None:
    config = configured(1, base, tmp_path, max_tokens=60, max_steps=2)
    lengths = train(config)["lengths"]
    assert 0 < lengths["answers_dropped"] < 10
    assert lengths["examples"] + lengths["answers_dropped"] == 10
    assert all(math.isfinite(line["loss"]) for line in lines(config))
    with pytest.raises(InputError, match="max_tokens: all 10 examples"):
        train(configured(1, base, tmp_path, max_tokens=16))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"messages": []}', r"rows.jsonl:1: messages: a list of messages is needed"),
        ('{"text": "a"}', r"rows.jsonl:1: messages: a list of messages is needed"),
        ('{"messages": [{"role": "user", "content": "a"}]}', "the last message is not the assis"),
        ('{"messages": [{"role": "nurse", "content": "a"}]}', "a message needs a role"),
        ("", "no rows"),
        ("{", "rows.jsonl:1: not valid JSON"),
    ],
)
def test_rows_that_are_none_are_named(base: str, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "rows.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        train(configured(1, base, tmp_path, data=str(tmp_path / "rows.jsonl")))


def test_starts_that_are_none_are_named(base: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"init_from: .*no model/model.safetensors there"):
        train(configured(2, base, tmp_path, init_from=str(tmp_path)))
    with pytest.raises(InputError, match=r"data: .*no Parquet or JSONL file"):
        train(configured(2, base, tmp_path, data=str(tmp_path / "absent")))


@pytest.mark.parametrize("stage", [1, 2, 3])
@pytest.mark.parametrize("size", ["cpu", "gpu"])
def test_the_shipped_configurations_are_valid(repository: Path, stage: int, size: str) -> None:
    folder = repository / "configs" / "coder"
    plain = load(TrainConfig, folder / f"stage_{stage}.yaml")
    assert (plain.batch_size, plain.micro_batch_size, plain.max_tokens) == (128, 32, 4096)
    assert plain.epochs == (3 if stage == 1 else 1)
    assert plain.learning_rate == (1e-5 if stage == 3 else 3e-4)
    sized = load(TrainConfig, [folder / f"stage_{stage}.yaml", folder / f"{size}.yaml"])
    assert sized.stage == stage and sized.gradient_checkpointing is False
