"""`thce bench coder`: constrained answers, one at a time, against the usual ways to generate."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import Field

from thce.bench.coder_rivals import (
    LlamaCpp,
    TransformersGenerate,
    bare_decode,
    engine_guidance_seconds,
)
from thce.bench.machine import usable_cores
from thce.bench.repeat import interleaved_seconds, medians
from thce.bench.result import BenchResult, Comparison, at_least
from thce.coder.base_model import starting_folders
from thce.coder.constraint import Language, TokenTable
from thce.coder.engine import Graph
from thce.coder.examples import read_examples
from thce.coder.export_graph import export_graph
from thce.coder.generate import Generator, Question
from thce.coder.generate_config import GenerateConfig
from thce.coder.grammar import Bounds, code_pattern, reasoned_grammar
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config
from thce.errors import InputError
from thce.paths import resolve

FASTER = 4.0
LEAST_OF_BARE = 0.95
MOST_COMPILE_SECONDS = 1.0


class CoderBenchConfig(Config):
    """How much is measured.

    Attributes:
        base: weights; a trained coder is as fast.
        precision: of our graph.
        examples: JSONL of examples whose narratives are asked.
        narratives: of one repetition.
        tokens: of reasoning in each answer, at most.
        gguf: file for llama.cpp, if it is installed.
        repetitions: timed, of each side.
    """

    base: str = "smollm2"
    precision: Literal["int4", "int8"] = "int4"
    examples: str = "data/coder/coder_examples.jsonl"
    narratives: int = Field(default=4, ge=1)
    tokens: int = Field(default=96, ge=4)
    gguf: str | None = None
    repetitions: int = Field(default=5, ge=1)


def run(config: CoderBenchConfig) -> BenchResult:
    """Runs all sides in turn on the same prompts and for the same numbers of tokens.

    Raises:
        InputError: base weights, examples or the GGUF file are not here.
    """
    model, _ = starting_folders(config.base, None)
    with TemporaryDirectory(prefix="thce-bench-") as folder:
        export_graph(model, Path(folder) / "graph", config.precision)
        # The engine's own guidance, one of the rivals, looks for the tokenizer beside the graph.
        for file in model.glob("tokenizer*.json"):
            shutil.copyfile(file, Path(folder) / "graph" / file.name)
        return _measure(config, model, Path(folder) / "graph")


def _measure(config: CoderBenchConfig, model: Path, folder: Path) -> BenchResult:
    cores = usable_cores()
    generator = Generator.load(folder, model, _generation(config), threads=cores)
    questions = _questions(config)
    compile_seconds = _compile_seconds(generator, config.repetitions)
    generator.language(CodeType.ICD10)
    answers = list(_one_by_one(generator, questions))
    works = [
        (generator.prompt(question).ids, answer.tokens)
        for question, answer in zip(questions, answers, strict=True)
    ]
    rival = TransformersGenerate(model, cores)
    dtype = rival.faster(*works[0])
    sides: dict[str, Any] = {
        "ours": lambda: list(_one_by_one(generator, questions)),
        "bare": lambda: [bare_decode(generator.graph, *work) for work in works],
        "transformers": lambda: [rival.generate(dtype, *work) for work in works],
    }
    if llama := _llama(config, cores, works):
        sides["llama.cpp"] = lambda: [llama.generate(*work) for work in works]
    seconds = interleaved_seconds(sides, config.repetitions)
    tokens = sum(count for _, count in works)
    rates = {name: tokens / spent for name, spent in medians(seconds).items()}
    guidance = engine_guidance_seconds(
        generator.graph, works[0][0], code_pattern(load_catalogue("ICD10").billable_codes())
    )
    return BenchResult(
        name="coder",
        comparisons=_comparisons(config, rates, dtype, compile_seconds, guidance),
        repetitions=config.repetitions,
        notes=len(questions),
        cores=cores,
        checks={
            "every answer has a billable code": all(
                load_catalogue(line.code_type).is_billable(line.code)
                for answer in answers
                for line in answer.answer.codes
            )
            and all(answer.answer.codes for answer in answers),
        },
        details={
            "tokens": tokens,
            "prompt_tokens": sum(len(prompt) for prompt, _ in works),
            "tokens_per_second": rates,
            "seconds": seconds,
            "transformers_numbers": dtype,
            "llama_cpp": "measured" if "llama.cpp" in rates else "not installed or no --gguf",
        },
    )


def _comparisons(
    config: CoderBenchConfig,
    rates: dict[str, float],
    dtype: str,
    compile_seconds: float,
    guidance: float,
) -> tuple[Comparison, ...]:
    ours, unit = rates["ours"], "tokens per second"
    found = [
        at_least(
            "constrained decoding against transformers.generate",
            f"{config.precision} graph under the grammar, and generate in {dtype}: the same "
            "prompts, one at a time, the same number of tokens, prefill included, on all cores",
            unit,
            ours,
            rates["transformers"],
            FASTER,
        ),
        at_least(
            "constrained decoding against the bare engine",
            "the same graph without grammar, masks and reading of answers",
            unit,
            ours,
            rates["bare"],
            LEAST_OF_BARE,
        ),
        Comparison(
            "compiling the language of ICD-10-CM",
            "ours: pattern, grammar and compilation, once a process; rival: what the engine's own "
            "guidance adds to the first token of every request",
            "seconds",
            compile_seconds,
            guidance,
            guidance / compile_seconds,
            f"under {MOST_COMPILE_SECONDS:g} s",
            compile_seconds < MOST_COMPILE_SECONDS,
        ),
    ]
    if "llama.cpp" in rates:
        found.append(
            at_least(
                "constrained decoding against llama.cpp",
                "llama-cpp-python on the GGUF file, greedy, without grammar, the same prompts",
                unit,
                ours,
                rates["llama.cpp"],
                1.0,
            )
        )
    return tuple(found)


def _generation(config: CoderBenchConfig) -> GenerateConfig:
    return GenerateConfig(bounds=Bounds(lines=40), reasoning_tokens=config.tokens, time_limit=600.0)


def _questions(config: CoderBenchConfig) -> list[Question]:
    examples = list(read_examples(resolve(config.examples)))
    chosen = [one for one in examples if one.code_type is CodeType.ICD10][: config.narratives]
    if not chosen:
        raise InputError(f"examples: {config.examples}: no example of ICD10")
    return [Question(one.narrative, one.code_type) for one in chosen]


def _one_by_one(generator: Generator, questions: Sequence[Question]) -> Any:
    for question in questions:
        yield generator.answer(question.narrative, question.code_type)


def _compile_seconds(generator: Generator, repetitions: int) -> float:
    """Median of compiling with a tokenizer's table at hand."""
    codes = load_catalogue(CodeType.ICD10).billable_codes()
    graph = generator.graph
    seconds = []
    for _ in range(repetitions):
        table = _table(graph)
        started = time.perf_counter()
        grammar = reasoned_grammar(
            CodeType.ICD10, codes, generator.config.bounds, graph.prompts.controls
        )
        Language(grammar, table).walk().allowed()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def _table(graph: Graph) -> TokenTable:
    return TokenTable(graph.tokenizer_file, graph.vocabulary, graph.end)


def _llama(
    config: CoderBenchConfig, cores: int, works: Sequence[tuple[list[int], int]]
) -> LlamaCpp | None:
    if config.gguf is None or not LlamaCpp.installed():
        return None
    gguf = Path(resolve(config.gguf))
    if not gguf.is_file():
        raise InputError(f"gguf: {gguf}: no such file")
    return LlamaCpp(gguf, cores, max(len(prompt) + tokens for prompt, tokens in works) + 8)
