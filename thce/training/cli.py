"""`thce weights`: list, fetch and verify base weights."""

import json

import typer

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_weights(as_json: bool = typer.Option(False, "--json", help="Print as JSON.")) -> None:
    """Lists the weights that registry packages carry and whether they are here."""
    from thce.training.weights import PACKAGES, is_fetched, weights_folder

    rows = [
        {
            "name": name,
            "fetched": is_fetched(name),
            "mebibytes": package.mebibytes,
            "licence": package.licence,
            "folder": str(weights_folder(name)),
        }
        for name, package in PACKAGES.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        state = "here" if row["fetched"] else "not fetched"
        typer.echo(
            f"{row['name']}: {state}, {row['mebibytes']} MiB, {row['licence']}, {row['folder']}"
        )


@app.command()
def fetch(
    name: str = typer.Argument("minilm", help="A name that `thce weights list` shows."),
) -> None:
    """Downloads weights through pip into THCE_HOME/weights and checks their SHA-256."""
    from thce.training import weights

    typer.echo(f"weights at {weights.fetch(name)}")


@app.command()
def verify(
    name: str = typer.Argument("minilm", help="A name that `thce weights list` shows."),
) -> None:
    """Hashes cached weights again."""
    from thce.training import weights

    weights.verify(name)
    typer.echo(f"{name}: SHA-256 as pinned")
