"""`thce coder predict`, `evaluate`, `compare`, and what they are fed and fitted with."""

import json
from typing import Annotated, Any

import typer

Input = Annotated[str | None, typer.Option("--input", help="JSONL of narratives.")]
ConfigFile = Annotated[str | None, typer.Option("--config", help="YAML configuration.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="A field, as count=20; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Report = Annotated[str | None, typer.Option("--report", help="HTML file to write.")]
Predictions = Annotated[
    str | None, typer.Option("--predictions", help="Answers of an earlier run.")
]
SystemName = Annotated[
    str | None,
    typer.Option("--system", help="ranker, model, random, majority, keyword, rule or tfidf."),
]
Retriever = Annotated[
    str | None, typer.Option("--retriever", help="Folder of the encoder, or minilm.")
]
Model = Annotated[str | None, typer.Option("--model", help="Bundle of the coder, or an export.")]
Ids = Annotated[str | None, typer.Option("--ids", help="File of row ids to score.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("predict")(predict_command)
    app.command("evaluate")(evaluate_command)
    app.command("compare")(compare_command)
    app.command("narratives")(narratives_command)
    app.command("fit-ranker")(fit_ranker_command)


def predict_command(
    input_path: Input = None,
    output: Annotated[str | None, typer.Option(help="JSONL of answers.")] = None,
    system: SystemName = None,
    retriever: Retriever = None,
    model: Model = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Code narratives: ranked, valid codes with calibrated scores, and reasoning."""
    chosen = {"system": system, "retriever": retriever, "model": model}
    report = _run("predict:PredictConfig", config, overrides, input_path, chosen, output=output)
    line = "{rows} narratives, {answered} answered, {abstained} abstained; {output}"
    if model is not None:
        line = "reasoning by the model {reasoned_by_model}, objections {objections}; " + line
    typer.echo(json.dumps(report) if as_json else line.format(**report))


def evaluate_command(
    input_path: Input = None,
    predictions: Predictions = None,
    system: SystemName = None,
    retriever: Retriever = None,
    model: Model = None,
    ids: Ids = None,
    report_path: Report = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Score answers against labelled narratives, with intervals."""
    chosen = {"system": system, "retriever": retriever, "model": model}
    labelled = {"ids": ids, "report": report_path}
    report = _run(
        "evaluate:EvaluateConfig",
        config,
        overrides,
        input_path,
        chosen | labelled,
        predictions=predictions,
    )
    typer.echo(json.dumps(report) if as_json else "\n".join(_figure_lines(report)))


def compare_command(
    a: Annotated[str, typer.Argument(help="Answers of one run.")],
    b: Annotated[str, typer.Argument(help="Answers of the other.")],
    input_path: Input = None,
    ids: Ids = None,
    report_path: Report = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Compare two runs on the same rows: McNemar, paired differences."""
    labelled = {"ids": ids, "report": report_path}
    report = _run("compare:CompareConfig", config, overrides, input_path, labelled, a=a, b=b)
    typer.echo(json.dumps(report) if as_json else "\n".join(_difference_lines(report)))


def narratives_command(
    output: Annotated[str, typer.Option(help="JSONL of narratives with their codes.")],
    codiesp: Annotated[str | None, typer.Option(help="Folder of a CodiEsp split.")] = None,
    held_out_terms: Annotated[
        bool, typer.Option(help="The official terms that are kept from training.")
    ] = False,
) -> None:
    """Write a test set in the form that predict and evaluate read."""
    from thce.coder.test_sets import codiesp_narratives, held_out_narratives, write_narratives
    from thce.errors import InputError
    from thce.paths import resolve

    if held_out_terms == (codiesp is not None):
        raise InputError("give either --codiesp FOLDER or --held-out-terms")
    found = codiesp_narratives(codiesp) if codiesp else held_out_narratives()
    count = write_narratives(found, resolve(output))
    typer.echo(f"{count} narratives; {resolve(output)}")


def fit_ranker_command(
    input_path: Input = None,
    output: Annotated[str | None, typer.Option(help="YAML of weights.")] = None,
    retriever: Retriever = None,
    said: Annotated[str | None, typer.Option(help="What the narratives are.")] = None,
    exclude_ids: Annotated[
        str | None, typer.Option(help="File of row ids that are never looked at.")
    ] = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Fit the ranker's weights; prints leave-one-out figures as JSON."""
    report = _run(
        "fit_ranker:FitRankerConfig",
        config,
        overrides,
        input_path,
        {"retriever": retriever, "exclude_ids": exclude_ids},
        output=output,
        said=said,
    )
    typer.echo(json.dumps(report))


def _run(
    step: str,
    config: str | None,
    overrides: list[str] | None,
    input_path: str | None,
    chosen: dict[str, str | None],
    **own: str | None,
) -> dict[str, Any]:
    """Runs a step of this room, `module:ConfigClass`, with the options that were given."""
    from thce.steps import run_step

    module, config_class = step.split(":")
    fields = {"input": input_path, **chosen, **own}
    return run_step(f"thce.coder.{module}", config_class, config, overrides or (), **fields)


def _figure_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['rows']} rows, {report['gold_codes']} codes"]
    for name, one in report.items():
        if isinstance(one, dict) and "estimate" in one and one["estimate"] is not None:
            low, high = one["low"], one["high"]
            lines.append(f"{name:24} {one['estimate']:.3f}  ({low:.3f} to {high:.3f})")
    wrong = ", ".join(f"{kind} {count}" for kind, count in report["errors"].items() if count)
    return [*lines, f"gold codes by answer: {wrong}"]


def _difference_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['rows']} rows, {' less '.join(report['names'])}"]
    for one in report["differences"]:
        gap = one["difference"]
        if gap["estimate"] is not None:
            lines.append(
                f"{one['metric']:24} {gap['estimate']:+.3f}  ({gap['low']:+.3f} to "
                f"{gap['high']:+.3f}), p {one['p_adjusted']:.3f}"
            )
    return lines + [
        f"McNemar {one['figure']:16} only first {one['only_a']}, only second {one['only_b']}, "
        f"p {one['p_value']:.3f}"
        for one in report["mcnemar"]
    ]
