"""What the dataset step and its reader do with damaged files and failing disks."""

import resource

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hydrated_rows import human_table, hydrated_table, write_parquet

from thce.annotations.labels_csv import write_labels
from thce.errors import InputError
from thce.files import read_json, write_json
from thce.registry.dataset import DatasetConfig, read_split, run
from thce.registry.labels import FALSE, N_FLAGS, TRUE, Flag


@pytest.fixture
def built(tmp_path):
    draw = np.random.default_rng(0)
    ids = [f"e{row:02}" for row in range(30)]
    texts = [" ".join(f"word{draw.integers(1e9)}" for _ in range(30)) for _ in ids]
    label = np.full((30, N_FLAGS), FALSE, dtype=np.int8)
    label[::2, Flag.BAL.position] = TRUE
    write_parquet(hydrated_table(ids, texts, label), tmp_path / "hydrated")
    write_labels(human_table({"e00": [Flag.IPC]}), tmp_path / "human.csv")
    run(config(tmp_path))
    return tmp_path


def config(folder, **changes):
    values = {
        "hydrated": str(folder / "hydrated"),
        "human": str(folder / "human.csv"),
        "output": str(folder / "dataset"),
    }
    return DatasetConfig(**(values | changes))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_flag_column_missing_from_the_human_csv_is_refused_and_no_label_becomes_zero(built):
    lines = (built / "human.csv").read_text().splitlines()
    shorter = [",".join(line.split(",")[:-1]) for line in lines]
    (built / "human.csv").write_text("\n".join(shorter) + "\n")
    before = contents(built / "dataset")
    with pytest.raises(InputError, match=f"missing: {Flag.FIBRINOLYTIC_THERAPY}"):
        run(config(built))
    assert contents(built / "dataset") == before


def test_true_negative_note_survives_export_and_merge(built):
    write_labels(human_table({"e02": []}), built / "human.csv")
    run(config(built))
    rows = {
        name: split.label[row]
        for split in (read_split(built / "dataset", name) for name in ("train", "val", "test"))
        for row, name in enumerate(split.encounter_ids)
    }
    assert (rows["e02"] == FALSE).all()
    assert rows["e04"][Flag.BAL.position] == TRUE


def test_file_changed_by_one_byte_is_refused_by_name(built):
    path = built / "dataset" / "registry_train.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"registry_train\.parquet: not what the dataset step"):
        read_split(built / "dataset", "train")
    assert read_split(built / "dataset", "val").texts


def test_parquet_made_elsewhere_is_refused(built):
    other = built / "dataset" / "registry_val.parquet"
    (built / "dataset" / "registry_train.parquet").write_bytes(other.read_bytes())
    with pytest.raises(InputError, match="not what the dataset step"):
        read_split(built / "dataset", "train")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema_version": 99}'])
def test_broken_manifest_is_refused_never_taken_as_empty(built, content):
    (built / "dataset" / "dataset.json").write_bytes(content)
    with pytest.raises(InputError, match=r"dataset\.json"):
        read_split(built / "dataset", "train")


def test_dataset_of_other_labels_is_refused(built):
    manifest = read_json(built / "dataset" / "dataset.json")
    manifest["labels"].reverse()
    write_json(built / "dataset" / "dataset.json", manifest)
    with pytest.raises(InputError, match="not the registry's flags"):
        read_split(built / "dataset", "train")


def test_absent_dataset_says_which_command_makes_one(tmp_path):
    with pytest.raises(InputError, match="run `thce registry dataset` first"):
        read_split(tmp_path / "nothing", "train")


@pytest.mark.parametrize(
    ("room", "full_at"), [(4_000, "the first table"), (30_000, "the last file")]
)
def test_full_disk_leaves_the_earlier_dataset_whole_and_no_half_file(built, room, full_at):
    # Human rows without a note are listed in dataset.json, which is written last.
    write_labels(human_table({f"gone{row:04}": [] for row in range(3000)}), built / "human.csv")
    before = contents(built / "dataset")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(InputError, match="free space"):
            run(config(built, seed=7))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(built / "dataset") == before, full_at


def test_output_that_cannot_be_made_is_named(built):
    with pytest.raises(InputError, match=r"output: .*human\.csv/dataset: Not a directory"):
        run(config(built, output=str(built / "human.csv" / "dataset")))


def test_killed_between_two_renames_the_mixture_is_refused(built):
    new = built / "new"
    run(config(built, seed=7, output=str(new)))
    (built / "dataset" / "registry_train.parquet").write_bytes(
        (new / "registry_train.parquet").read_bytes()
    )
    with pytest.raises(InputError, match="run `thce registry dataset` again"):
        read_split(built / "dataset", "train")


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing PAR1"])
def test_hydrated_file_that_is_no_parquet_is_refused_by_name(built, content):
    (built / "hydrated" / "part-001.parquet").write_bytes(content)
    with pytest.raises(InputError, match="hydrated: not readable as Parquet"):
        run(config(built))


def test_absent_inputs_are_named(built):
    with pytest.raises(InputError, match=r"nowhere: no Parquet file there"):
        run(config(built, hydrated=str(built / "nowhere")))
    with pytest.raises(InputError, match=r"nobody\.csv"):
        run(config(built, human=str(built / "nobody.csv")))
    with pytest.raises(InputError, match=r"never\.json"):
        run(config(built, frozen=str(built / "never.json")))


@pytest.mark.parametrize("cells", [[0] * 28, [0] * 28 + [None], None])
def test_row_without_29_known_cells_is_refused_and_null_never_becomes_zero(built, cells):
    path = built / "hydrated" / "part-000.parquet"
    table = pq.read_table(path)
    short = pa.array([cells] * len(table), pa.list_(pa.int8()))
    position = table.column_names.index("label")
    pq.write_table(table.set_column(position, "label", short), path)
    with pytest.raises(InputError, match="every row holds 29 cells"):
        run(config(built))
