"""Contrastive training of the retriever, in plain torch, on whatever device there is.

InfoNCE in both directions over in-batch negatives (van den Oord et al. 2018). Batches are whole
groups of one category, so that siblings in the tree are among the negatives; two rows of one
concept are never each other's negatives. `thce.coder.mix_retriever` mixes the result with the
weights it started from.

    python -m thce.coder.train_retriever --data pairs.parquet --weights FOLDER --output FOLDER
"""

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thce.coder.encoder import QUERY_TOKENS, TERM_TOKENS, Encoder
from thce.coder.pieces import write_pieces
from thce.files import write_json
from thce.progress import say

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RetrieverTraining:
    """How to train.

    Attributes:
        batch: pairs in a step.
        learning_rate: at its highest, after a tenth of the steps; linear down to zero.
        temperature: what similarities are divided by.
        epochs: at most.
        minutes: at most; the schedule is over by then.
        query_tokens: texts are cut there.
        seed: of the order.
    """

    batch: int = 512
    learning_rate: float = 5e-5
    temperature: float = 0.05
    epochs: float = 3.0
    minutes: float = 4.0
    query_tokens: int = QUERY_TOKENS
    seed: int = 42


Row = tuple[str, str, int]


def read_groups(path: str | Path) -> list[list[Row]]:
    """Groups of (query, term, concept) from a file of `thce.coder.retriever_data`."""
    import pyarrow.parquet as pq

    table = pq.read_table(path).to_pydict()
    groups: dict[int, list[Row]] = defaultdict(list)
    columns = table["query"], table["term"], table["concept"], table["group"]
    for query, term, concept, group in zip(*columns, strict=True):
        groups[group].append((query, term, concept))
    return list(groups.values())


def train(groups: Sequence[Sequence[Row]], encoder: Encoder, how: RetrieverTraining) -> list[dict]:
    """Trains the encoder in place.

    Returns:
        A record per logged step: step, share of the schedule, loss, accuracy within the batch.
    """
    import torch

    torch.manual_seed(how.seed)
    cuda = torch.cuda.is_available()
    model = encoder.model.to("cuda" if cuda else "cpu").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=how.learning_rate, weight_decay=0.01)
    steps = max(1, int(sum(map(len, groups)) * how.epochs / how.batch))
    records, began = [], time.monotonic()
    for step, rows in enumerate(_batches(groups, how), start=1):
        # Whichever ends first, steps or minutes, decides how far the schedule is.
        done = max(step / steps, (time.monotonic() - began) / (60 * how.minutes))
        for parameters in optimizer.param_groups:
            parameters["lr"] = how.learning_rate * _schedule(min(done, 1.0))
        with torch.autocast("cuda" if cuda else "cpu", torch.bfloat16, enabled=cuda):
            loss, accuracy = _loss(encoder, rows, how)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step == 1 or step % 20 == 0 or done >= 1:
            records.append(
                {
                    "step": step,
                    "done": round(min(done, 1.0), 4),
                    "loss": round(loss.item(), 4),
                    "accuracy": round(accuracy.item(), 4),
                    "pairs_per_second": round(step * how.batch / (time.monotonic() - began)),
                }
            )
            say("train", json.dumps(records[-1]))
        if done >= 1:
            break
    model.eval()
    return records


def _loss(
    encoder: Encoder, rows: Sequence[Row], how: RetrieverTraining
) -> "tuple[torch.Tensor, torch.Tensor]":
    import torch

    queries = encoder.vectors([query for query, _, _ in rows], how.query_tokens)
    terms = encoder.vectors([term for _, term, _ in rows], TERM_TOKENS)
    concepts = torch.tensor([concept for _, _, concept in rows], device=queries.device)
    scores = queries @ terms.T / how.temperature
    own = torch.eye(len(rows), dtype=torch.bool, device=scores.device)
    same = (concepts[:, None] == concepts[None, :]) & ~own
    scores = scores.masked_fill(same, -1e4)
    target = torch.arange(len(rows), device=scores.device)
    both = torch.nn.functional.cross_entropy(scores, target)
    both = both + torch.nn.functional.cross_entropy(scores.T, target)
    return both / 2, (scores.argmax(1) == target).float().mean()


def _batches(groups: Sequence[Sequence[Row]], how: RetrieverTraining) -> Iterator[list[Row]]:
    """Full batches of shuffled groups, without end."""
    draw = random.Random(how.seed)
    rows: list[Row] = []
    while True:
        for group in draw.sample(range(len(groups)), len(groups)):
            rows += groups[group]
            while len(rows) >= how.batch:
                yield rows[: how.batch]
                rows = rows[how.batch :]


def _schedule(done: float) -> float:
    return done / 0.1 if done < 0.1 else (1 - done) / 0.9


def save(
    encoder: Encoder, folder: Path, how: RetrieverTraining, records: Sequence[dict]
) -> dict[str, Any]:
    """Writes configuration, tokenizer and fp16 weights in pieces, and how they came about."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder.model.config.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    size = write_pieces(folder, encoder.model.state_dict())
    report = {"training": asdict(how), "last": records[-1], "weights_bytes": size}
    write_json(folder / "training.json", report)
    return report


def main() -> None:
    """Command line; every field of `RetrieverTraining` is an option."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "weights", "output"):
        parser.add_argument(f"--{name}", required=True)
    defaults = RetrieverTraining()
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    given = vars(parser.parse_args())
    data, weights, output = (given.pop(name) for name in ("data", "weights", "output"))
    how = RetrieverTraining(**given)
    if how.batch < 2:
        parser.error("--batch must be above 1: the other rows of a batch are the negatives")
    encoder = Encoder.load(weights)
    records = train(read_groups(data), encoder, how)
    print(json.dumps(save(encoder, Path(output), how, records)))


if __name__ == "__main__":
    main()
