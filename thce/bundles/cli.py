"""`thce bundles`: look at bundles, check them, publish, promote and roll back."""

from typing import TYPE_CHECKING, Annotated

import typer

from thce.command_options import AsJson, show

if TYPE_CHECKING:
    from thce.bundles.channel import Ledger, LedgerEntry
    from thce.bundles.manifest import Manifest

app = typer.Typer(
    help="Trained models on disk: show, verify, publish, promote.", no_args_is_help=True
)

Model = Annotated[str, typer.Argument(help="A bundle's folder or URL, or champion:CHANNEL.")]
Channel = Annotated[str, typer.Option(help="A channel's name, folder or URL.")]


@app.command("show")
def show_command(model: Model, as_json: AsJson = False) -> None:
    """Print what a bundle is, after checking it."""
    from thce.bundles.load import open_bundle

    manifest = open_bundle(model).manifest
    typer.echo(manifest.model_dump_json(indent=2) if as_json else "\n".join(_summary(manifest)))


@app.command("verify")
def verify_command(model: Model, as_json: AsJson = False) -> None:
    """Check schema, labels, thresholds and every file's hash."""
    from thce.bundles.load import open_bundle

    bundle = open_bundle(model)
    report = {"version": bundle.version, "files": len(bundle.manifest.files), "valid": True}
    show(report, as_json, f"{bundle.version}: {report['files']} files, all as recorded")


@app.command("publish")
def publish_command(
    source: Annotated[str, typer.Argument(help="A bundle's folder or URL, or champion:CHANNEL.")],
    destination: Annotated[str, typer.Argument(help="Where it shall lie: a path or fsspec URL.")],
    as_json: AsJson = False,
) -> None:
    """Copy a bundle to another place, whole or not at all."""
    from thce.bundles.load import open_bundle
    from thce.bundles.publish import publish

    bundle = open_bundle(source)
    target = publish(bundle.folder, destination)
    show({"version": bundle.version, "path": target}, as_json, f"{bundle.version} at {target}")


@app.command("promote")
def promote_command(
    candidate: Annotated[str, typer.Argument(help="The candidate's folder or URL.")],
    channel: Channel = "registry",
    test: Annotated[
        str | None, typer.Option(help="Labelled notes: the frozen test set both are measured on.")
    ] = None,
    metric: Annotated[str, typer.Option(help="macro_f1 or micro_f1.")] = "macro_f1",
    min_difference: Annotated[
        float, typer.Option(help="Candidate minus champion, at least.")
    ] = 0.0,
    min_low: Annotated[
        float | None, typer.Option(help="Lower end of the difference's interval, at least.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a bundle champion if it passes the gate; exit 1 if it does not."""
    from thce.bundles.gate import Gate
    from thce.bundles.promote import promote

    gate = Gate(metric, min_difference, min_low)
    _answer_champion(channel, promote(candidate, channel, gate, test), as_json)


@app.command("rollback")
def rollback_command(channel: Channel = "registry", as_json: AsJson = False) -> None:
    """Make the previous champion champion again."""
    from thce.bundles.promote import rollback

    _answer_champion(channel, rollback(channel), as_json)


@app.command("history")
def history_command(channel: Channel = "registry", as_json: AsJson = False) -> None:
    """List promotions and rollbacks, oldest first."""
    from thce.bundles.channel import channel_folder, read_ledger

    ledger = read_ledger(channel)
    report = {
        "channel": channel_folder(channel),
        "champion": ledger.champion,
        "history": [entry.model_dump(exclude_none=True) for entry in ledger.history],
    }
    lines = [
        f"{entry.at}  {entry.action:8}  {entry.version}{_decided_on(entry)}"
        for entry in ledger.history
    ]
    show(report, as_json, "\n".join([*lines, f"champion: {ledger.champion or 'none'}"]))


def _decided_on(entry: "LedgerEntry") -> str:
    """The gate's figures, where the promotion had a champion to pass."""
    from thce.bundles.gate import Evidence

    if entry.gate is None or entry.evidence is None:
        return ""
    metric = entry.gate["metric"]
    return "  " + Evidence.model_validate(entry.evidence).metrics[metric].described(metric)


def _answer_champion(channel: str, ledger: "Ledger", as_json: bool) -> None:
    from thce.bundles.channel import channel_folder

    path = f"{channel_folder(channel)}/{ledger.champion}"
    report = {"champion": ledger.champion, "path": path}
    show(report, as_json, f"champion: {ledger.champion} at {path}")


def _summary(manifest: "Manifest") -> list[str]:
    from thce.bundles.manifest import MANIFEST_FILE

    base = f"{manifest.base.model} (sha256 {manifest.base.sha256})" if manifest.base else "none"
    lines = [
        f"{manifest.kind} bundle {manifest.version}, built {manifest.created}",
        f"labels       {len(manifest.labels)}",
        f"base         {base}",
        f"parent       {manifest.parent or 'none'}",
        f"data         {manifest.data_fingerprint}",
        "codes        " + ", ".join(f"{k} {v}" for k, v in manifest.code_set.items()),
        f"files        {len(manifest.files)} and {MANIFEST_FILE}",
    ]
    for name, entry in manifest.weights.items():
        mark = " (default)" if name == manifest.default_weights else ""
        size = manifest.files[entry.file].bytes / 1e6
        lines.append(f"weights      {name}{mark}: {entry.file}, {size:.1f} MB, {entry.thresholds}")
    for name, metric in manifest.metrics.items():
        interval = "" if metric.low is None else f" ({metric.low:.3f} to {metric.high:.3f})"
        lines.append(f"metric       {name} {metric.value:.3f}{interval} on {metric.on}")
    return lines
