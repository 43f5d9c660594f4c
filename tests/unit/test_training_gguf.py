"""A GGUF file becomes a model that transformers loads, without bars outside a terminal."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

WIDTH, HEADS, HIDDEN, CONTROL = 8, 2, 16, ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CONVERT = "import sys; from pathlib import Path; from thce.training.gguf_weights import convert;"
CONVERT += "convert(Path(sys.argv[1]), Path(sys.argv[2]))"


@pytest.fixture(scope="module")
def gguf(module_folder: Path) -> Path:
    """One layer of random weights in fp32 with a byte-level vocabulary."""
    from gguf import GGUFWriter
    from tokenizers.pre_tokenizers import ByteLevel

    tokens = [*CONTROL, *sorted(ByteLevel.alphabet()), "th"]
    path = module_folder / "small.gguf"
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(1e4)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in CONTROL else 1 for token in tokens])
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template("{{ messages }}")
    random = np.random.default_rng(0)
    for name, shape in _shapes(len(tokens)).items():
        writer.add_tensor(f"{name}.weight", random.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(tokens: int) -> dict[str, tuple[int, ...]]:
    square = {f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")}
    norms = {f"blk.0.{part}_norm": (WIDTH,) for part in ("attn", "ffn")}
    wide = {f"blk.0.ffn_{part}": (HIDDEN, WIDTH) for part in ("gate", "up")}
    ends = {"token_embd": (tokens, WIDTH), "output_norm": (WIDTH,)}
    return ends | square | norms | wide | {"blk.0.ffn_down": (WIDTH, HIDDEN)}


def _convert(gguf: Path, target: Path, stderr: int) -> "subprocess.CompletedProcess[bytes]":
    target.mkdir()
    command = [sys.executable, "-c", CONVERT, str(gguf), str(target)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=True)


def test_weights_and_tokenizer_come_over_and_nothing_is_printed(gguf: Path, tmp_path: Path) -> None:
    from gguf import GGUFReader
    from transformers import AutoTokenizer

    done = _convert(gguf, tmp_path / "model", subprocess.PIPE)
    assert (done.stdout, done.stderr) == (b"", b"")
    written = load_file(tmp_path / "model" / "model.safetensors")
    (embedding,) = (t for t in GGUFReader(str(gguf)).tensors if t.name == "token_embd.weight")
    assert np.array_equal(written["model.embed_tokens.weight"], embedding.data)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert tokenizer.tokenize("the K56") == ["th", "e", "\u0120", "K", "5", "6"]


@pytest.mark.soak
def test_on_a_terminal_the_bars_are_shown(gguf: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    _convert(gguf, tmp_path / "model", theirs)
    os.close(theirs)
    shown = os.read(ours, 100_000)
    os.close(ours)
    assert b"Converting" in shown
