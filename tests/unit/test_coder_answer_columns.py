"""Leaving out the columns without an answer changes neither loss nor gradient."""

from typing import Any

import pytest
import torch

from thce.coder.encode import IGNORED


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The trainer of stage 1 with a random model of two layers."""
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from trl import SFTConfig

    from thce.coder.trainers import CoderSFTTrainer

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=96,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
    )
    return CoderSFTTrainer(
        model=LlamaForCausalLM(config),
        processing_class=_tokenizer(PreTrainedTokenizerFast),
        train_dataset=Dataset.from_dict({"input_ids": [[1, 2]], "labels": [[1, 2]]}),
        args=SFTConfig(
            output_dir=str(tmp_path_factory.mktemp("trainer")),
            dataset_kwargs={"skip_prepare_dataset": True},
            bf16=False,
            gradient_checkpointing=False,
            use_cpu=True,
            report_to=[],
        ),
    )


def _tokenizer(kind: Any) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    words = {"<pad>": 0, "<end>": 2} | {str(number): number for number in range(3, 96)}
    words["<one>"] = 1
    return kind(
        tokenizer_object=Tokenizer(WordLevel(words, unk_token="<one>")),
        pad_token="<pad>",
        eos_token="<end>",
    )


@pytest.mark.parametrize("answers_at", [(12, 15, 20), (1, 30, 30), (30, 30, 30), (5, 6, 7)])
def test_loss_and_gradients_stay(trainer: Any, answers_at: tuple[int, ...]) -> None:
    from trl import SFTTrainer

    ids = torch.randint(3, 96, (3, 30))
    labels = ids.clone()
    for row, at in enumerate(answers_at):
        labels[row, :at] = IGNORED
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    found = []
    for compute in (SFTTrainer.compute_loss, type(trainer).compute_loss):
        trainer.model.train()
        trainer.model.zero_grad()
        loss = compute(trainer, trainer.model, dict(inputs), num_items_in_batch=torch.tensor(40))
        loss.backward()
        gradient = torch.cat([one.grad.flatten() for one in trainer.model.parameters()])
        found.append((loss.item(), gradient))
    assert found[1][0] == pytest.approx(found[0][0], abs=1e-6)
    assert torch.allclose(found[1][1], found[0][1], atol=1e-7)
    assert trainer._metrics["train"]["mean_token_accuracy"][-1] == pytest.approx(
        trainer._metrics["train"]["mean_token_accuracy"][-2]
    )


def test_fewer_columns_reach_the_head(trainer: Any) -> None:
    seen = []
    head = trainer.model.lm_head.weight
    hook = trainer.model.model.register_forward_hook(
        lambda layers, given, output: seen.append(output.last_hidden_state.shape[1])
    )
    ids = torch.randint(3, 96, (2, 30))
    labels = ids.clone()
    labels[:, :20] = IGNORED
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    trainer.compute_loss(trainer.model, inputs).backward()
    hook.remove()
    assert seen == [11]  # the token before the answer, and its ten
    assert head.grad is not None
