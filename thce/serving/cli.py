"""`thce serve`: the server, the tokens of its callers, the fingerprint that drift is held to."""

from typing import Annotated, Any

import typer

from thce.command_options import AsJson, show

app = typer.Typer(invoke_without_command=True, no_args_is_help=False)

DEFAULT = "configs/serve/local.yaml"


@app.callback()
def serve(
    context: typer.Context,
    config: Annotated[str, typer.Option("--config", "-c", help="A file of configs/serve/.")] = (
        DEFAULT
    ),
    model: Annotated[
        str | None, typer.Option(help="The registry's bundle, or champion:CHANNEL.")
    ] = None,
    coder: Annotated[
        str | None, typer.Option(help="The coder's bundle or export; else the base model.")
    ] = None,
    without: Annotated[
        list[str], typer.Option(help="Leave out registry, coder or front. Repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    host: Annotated[str | None, typer.Option(help="Address; others need tokens.")] = None,
    port: Annotated[int | None, typer.Option(help="Port.", min=1, max=65535)] = None,
    token_file: Annotated[
        str | None, typer.Option(help="Who may ask; see `thce serve token`.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="The annotation store.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check everything, start nothing.")] = (
        False
    ),
) -> None:
    """Serves flags, codes and the annotation page until it is stopped."""
    if context.invoked_subcommand is not None:
        return
    from thce.paths import resolve
    from thce.serving import deploy

    changes = deploy.Changes(
        host=host,
        port=port,
        model=_place(model),
        coder=_place(coder),
        without=tuple(without),
        token_file=resolve(token_file) if token_file else None,
        store=resolve(store) if store else None,
    )
    deploy.settle_environment()
    found = deploy.read(config, changes)
    deploy.prepare(found)
    if check:
        typer.echo(f"{config}: {len(found['applications'])} applications, all in order")
        return
    url = deploy.start(found)
    for line in _places(url, found):
        typer.echo(line)
    deploy.run_until_stopped()


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Who it is for; stands in the audit log.")],
    role: Annotated[str, typer.Option(help="score, annotate or admin.")] = "score",
    token_file: Annotated[str, typer.Option(help="The file; made where there is none.")] = (
        "tokens.json"
    ),
) -> None:
    """Makes a token, puts its digest into the file, and shows it this once."""
    from pathlib import Path

    from thce.errors import InputError
    from thce.paths import resolve
    from thce.serving.tokens import Caller, Role, add_token

    if role not in set(Role):
        raise InputError(f"role: one of {', '.join(Role)}")
    typer.echo(add_token(Path(resolve(token_file)), Caller(name, Role(role))))


@app.command()
def fingerprint(
    model: Annotated[str, typer.Option(help="The bundle.")],
    notes: Annotated[str, typer.Option("--input", help="The notes that it was trained on.")],
    output: Annotated[str, typer.Option(help="The JSON file to write.")],
    window: Annotated[int, typer.Option(help="Notes of a comparison.", min=50)] = 500,
    weights: Annotated[str | None, typer.Option(help="fp32 or int8.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measures the training notes, so that drift of what is served can be seen."""
    from thce.serving.fingerprint_step import FingerprintConfig, run

    config = FingerprintConfig(
        model=model, input=notes, output=output, window=window, weights=weights
    )
    show(run(config), as_json)


def _place(model: str | None) -> str | None:
    """A local path made absolute: replicas have another working directory."""
    from thce.bundles.channel import CHAMPION_PREFIX
    from thce.paths import resolve

    if model is None or model.startswith(CHAMPION_PREFIX):
        return model
    return resolve(model)


def _places(url: str, config: dict[str, Any]) -> list[str]:
    kinds = {application["name"] for application in config["applications"]}
    paths = {"front": "annotate/", "registry": "v1/registry", "coder": "v1/codes"}
    said = {"front": "annotation page", "registry": "flags (POST)", "coder": "codes (POST)"}
    lines = [f"{said[kind]:16} {url}/{path}" for kind, path in paths.items() if kind in kinds]
    return [*lines, "Ctrl-C ends it."]
