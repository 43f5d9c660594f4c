"""Mixtures: shares, counts, the same rows for any shards and runner; the format step's output."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce import config as configs
from thce.coder.common_codes import common_codes
from thce.coder.example_files import read_ids
from thce.coder.format_stages import run
from thce.coder.mixture import MixtureConfig, allocate, plan_stage
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError


def mixture(repository: Path, output: Path, **changes: object) -> MixtureConfig:
    shipped = repository / "data" / "coder"
    values = {
        "sources": [
            {"kind": "official_terms", "weight": 5},
            {"kind": "synthetic", "weight": 4},
            {
                "kind": "examples",
                "weight": 1,
                "path": str(shipped / "coder_examples.jsonl"),
                "exclude_ids": str(shipped / "frozen_test_ids.txt"),
            },
        ],
        "counts": {1: 300, 2: 200, 3: 100},
        "scope": "common",
        "output": str(output),
        "runner": "plain",
    }
    return MixtureConfig.model_validate(values | changes)


def rows(output: Path, stage: int) -> list[dict]:
    return [
        row
        for path in sorted((output / f"stage_{stage}").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


@pytest.fixture(scope="module")
def formatted(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    output = tmp_path_factory.mktemp("mixture") / "out"
    return output, run(mixture(repository, output))


@given(
    st.integers(1, 5000),
    st.lists(st.tuples(st.floats(0.01, 9), st.integers(0, 900)), min_size=1, max_size=5),
)
def test_allocation_is_exact_and_never_more_than_there_is(
    count: int, sources: list[tuple[float, int]]
) -> None:
    weights = [weight for weight, _ in sources]
    available = [rows for _, rows in sources]
    given_ = allocate(count, weights, available)
    assert sum(given_) == min(count, sum(available))
    assert all(0 <= got <= has for got, has in zip(given_, available, strict=True))


def test_shares_follow_the_weights_and_a_small_source_passes_its_rest_on() -> None:
    assert allocate(1000, [3, 1], [5000, 5000]) == [750, 250]
    assert allocate(1000, [3, 1, 6], [5000, 5000, 40]) == [720, 240, 40]


def test_no_place_is_drawn_twice_and_balance_spreads_over_families(repository: Path) -> None:
    config = mixture(repository, Path("unused"))
    sizes = np.repeat([1.0, 1 / 900], [100, 900])  # 100 rare families, one of 900
    plan = plan_stage(config, 1, [sizes, np.ones(5000), np.ones(50)])
    first = plan.places[plan.sources == 0]
    assert len(np.unique(first)) == len(first)
    assert (first < 100).sum() > 90


def test_rows_counts_and_sources(formatted: tuple[Path, dict]) -> None:
    output, report = formatted
    for stage, wanted in ((1, 300), (2, 200), (3, 100)):
        made = rows(output, stage)
        told = report["stages"][str(stage)]
        assert len(made) == told["rows"] == told["wanted"] == wanted
        found = {row["_metadata"]["source"] for row in made}
        assert found == set(told["by_source"]) == {"official_terms", "synthetic", "examples"}
        assert told["passed"], told["gates"]
    assert json.loads((output / "report.json").read_text())["stages"] == report["stages"]


def test_the_frozen_test_never_enters(formatted: tuple[Path, dict], repository: Path) -> None:
    frozen = read_ids(repository / "data" / "coder" / "frozen_test_ids.txt")
    examples = {
        row["id"]: row["narrative"]
        for row in map(
            json.loads,
            (repository / "data" / "coder" / "coder_examples.jsonl").read_text().splitlines(),
        )
    }
    told = "\n".join(
        message["content"]
        for stage in (1, 2)
        for row in rows(formatted[0], stage)
        for message in row["messages"]
    )
    assert not any(examples[name] in told for name in frozen)


def test_scope_common_keeps_to_the_list(formatted: tuple[Path, dict]) -> None:
    wanted = common_codes()
    for row in rows(formatted[0], 2):
        found = row["_metadata"]
        assert (CodeType(found["code_type"]), found["code"]) in wanted


def test_shards_and_order_do_not_change_rows(
    formatted: tuple[Path, dict], repository: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    run(mixture(repository, again, shard_rows=37))
    assert len(list((again / "stage_1").iterdir())) == 9
    for stage in (1, 2, 3):
        assert rows(again, stage) == rows(formatted[0], stage)


def test_ray_writes_the_same_bytes(
    formatted: tuple[Path, dict], repository: Path, tmp_path: Path, ray_session: None
) -> None:
    plain, by_ray = tmp_path / "plain", tmp_path / "ray"
    one = run(mixture(repository, plain, shard_rows=60, counts={2: 200}))
    other = run(mixture(repository, by_ray, shard_rows=60, counts={2: 200}, runner="ray"))
    assert one["stages"] == other["stages"]

    def digests(folder: Path) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (folder / "stage_2").iterdir()
        }

    assert digests(plain) == digests(by_ray) and len(digests(plain)) == 4


def test_a_seed_changes_the_rows(
    formatted: tuple[Path, dict], repository: Path, tmp_path: Path
) -> None:
    run(mixture(repository, tmp_path / "o", seed=18, counts={1: 300}))
    assert rows(tmp_path / "o", 1) != rows(formatted[0], 1)


def test_the_shipped_list_of_common_codes() -> None:
    counts = dict.fromkeys(CodeType, 0)
    for kind, code in common_codes():
        counts[kind] += 1
        assert load_catalogue(kind).is_billable(code), code
    assert counts == {CodeType.ICD10: 500, CodeType.CPT: 200, CodeType.HCPCS: 100}


@pytest.mark.parametrize("name", ["mixture_full", "mixture_small"])
def test_shipped_mixtures_are_valid(repository: Path, name: str) -> None:
    config = configs.load(MixtureConfig, repository / "configs" / "coder" / f"{name}.yaml")
    if name == "mixture_full":
        assert config.counts == {1: 50_000, 2: 70_000, 3: 40_000}
    for source in config.sources:
        assert source.kind != "examples" or source.exclude_ids


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("sources=[]", "sources"),
        ("counts={4: 10}", "counts"),
        ("counts={}", "at least one stage"),
        ("scope=some", "scope"),
        ("sources=[{kind: official, weight: 1}]", "kind"),
        ("sources=[{kind: synthetic, weight: 0}]", "weight"),
        ("shard=3", "unknown name"),
    ],
)
def test_a_wrong_mixture_is_one_clear_line(repository: Path, change: str, said: str) -> None:
    path = repository / "configs" / "coder" / "mixture_small.yaml"
    with pytest.raises(InputError, match=said) as error:
        configs.load(MixtureConfig, path, [change])
    assert "\n" not in str(error.value)


def test_something_else_in_the_output_is_left_alone(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        run(mixture(repository, tmp_path))
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_the_shipped_examples_need_their_frozen_ids(repository: Path, tmp_path: Path) -> None:
    path = str(repository / "data" / "coder" / "coder_examples.jsonl")
    source = {"kind": "examples", "path": path, "exclude_ids": None}
    with pytest.raises(InputError, match="has a frozen test"):
        run(mixture(repository, tmp_path / "o", sources=[source]))


def test_relative_paths_are_found_from_where_the_command_was_given(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    path = repository / "configs" / "coder" / "mixture_small.yaml"
    changes = ["runner=plain", "counts={1: 60}", f"output={tmp_path / 'o'}"]
    report = run(configs.load(MixtureConfig, path, changes))
    assert report["stages"]["1"]["by_source"]["coder_examples"] == 3


def test_a_source_may_have_a_scope_of_its_own(repository: Path, tmp_path: Path) -> None:
    sources = [
        {"kind": "official_terms", "scope": "all"},
        {"kind": "synthetic", "scope": "common", "code_types": ["ICD10"]},
        {"kind": "synthetic", "scope": "common", "code_types": ["ICD10"]},
    ]
    run(mixture(repository, tmp_path / "o", sources=sources, counts={1: 900}))
    told: dict[str, list[tuple[str, str]]] = {"official_terms": [], "synthetic": []}
    for row in rows(tmp_path / "o", 1):
        found = row["_metadata"]
        told[found["source"]].append((found["code"], row["messages"][1]["content"]))
    common = {code for kind, code in common_codes() if kind is CodeType.ICD10}
    assert {code for code, _ in told["synthetic"]} <= common
    assert not {code for code, _ in told["official_terms"]} <= common
    texts = [text for _, text in told["synthetic"]]
    assert len(set(texts)) > 0.99 * len(texts)
