"""The shipped configurations: Serve's own schema takes them, they fit, and they are safe."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from thce.errors import InputError
from thce.serving.budget import asks_of, require_fits
from thce.serving.deploy import Changes, args_of, read
from thce.serving.tokens import Caller, Role, add_token

ROOM = {
    "local.yaml": {"CPU": 2.0},
    "gpu.yaml": {"CPU": 16.0, "GPU": 1.0},
    "cluster.yaml": {"CPU": 64.0, "GPU": 4.0},
}


@pytest.fixture
def tokens(tmp_path: Path) -> str:
    file = tmp_path / "tokens.json"
    add_token(file, Caller("somebody", Role.SCORE))
    return str(file)


def test_every_shipped_configuration_is_checked_here(repository: Path) -> None:
    assert {path.name for path in (repository / "configs" / "serve").glob("*.yaml")} == set(ROOM)


@pytest.mark.parametrize("name", ROOM)
def test_a_configuration_is_servess_own_and_fits(repository: Path, name: str, tokens: str) -> None:
    from ray.serve.schema import ServeDeploySchema

    path = repository / "configs" / "serve" / name
    config = read(str(path), Changes(token_file=tokens))
    schema = ServeDeploySchema.model_validate(config)
    assert {application.name for application in schema.applications} == {
        "registry",
        "coder",
        "front",
    }
    require_fits(asks_of(config), ROOM[name])
    front = next(one for one in config["applications"] if one["name"] == "front")
    store = next(one for one in front["deployments"] if one["name"] == "Front")
    assert store["num_replicas"] == 1  # the annotation store has one writer


def test_serve_would_wait_for_ever_hence_it_is_refused(repository: Path) -> None:
    config = read(str(repository / "configs/serve/local.yaml"), Changes())
    with pytest.raises(InputError, match=r"ask for 1\.6 CPUs and there are 1 "):
        require_fits(asks_of(config), {"CPU": 1.0})
    del config["applications"][0]["deployments"][0]["ray_actor_options"]["num_cpus"]
    with pytest.raises(InputError, match=r"registry.RegistryModel: ray_actor_options.num_cpus"):
        asks_of(config)


def test_others_are_not_served_without_tokens(repository: Path, tokens: str) -> None:
    path = str(repository / "configs/serve/local.yaml")
    with pytest.raises(InputError, match="callers must have tokens"):
        read(path, Changes(host="0.0.0.0"))
    found = read(path, Changes(host="0.0.0.0", token_file=tokens))
    assert {args_of(one).safety.token_file for one in found["applications"]} == {tokens}


def test_what_the_command_line_says_goes_where_it_belongs(repository: Path) -> None:
    path = str(repository / "configs/serve/local.yaml")
    changes = Changes(port=1234, model="/bundle", without=("coder",), store="/store.sqlite")
    found = read(path, changes)
    registry, front = (args_of(one) for one in found["applications"])
    assert found["http_options"]["port"] == 1234
    assert registry.model == front.explained == "/bundle"
    assert (front.coder, front.registry, front.store) == (None, "registry", "/store.sqlite")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["applications"][0]["args"].update(modle=1), "registry: args.modle: extra"),
        (lambda c: c["applications"][0].update(import_path="os:system"), "import_path: one of"),
        (
            lambda c: c["applications"][0]["deployments"][0].update(replicas=2),
            "replicas: unknown name",
        ),
        (lambda c: c.update(applications=3), "give a list"),
    ],
)
def test_a_wrong_configuration_is_one_line(
    repository: Path, tmp_path: Path, change: Any, said: str
) -> None:
    config = yaml.safe_load((repository / "configs/serve/local.yaml").read_text())
    change(config)
    path = tmp_path / "serve.yaml"
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(InputError, match=said):
        read(str(path), Changes())
