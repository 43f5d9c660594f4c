"""Starting the application, watching over it, and ending it so that nobody's request is lost."""

import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from thce.bundles.load import open_bundle
from thce.engine import start_ray
from thce.errors import Finding, InputError
from thce.progress import say
from thce.serving.budget import asks_of, require_fits
from thce.serving.config import Args, CoderArgs, FrontArgs, RegistryArgs
from thce.serving.proxy import proxy_settings
from thce.serving.security import Security

LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 300.0
DRAIN_SECONDS = 20.0
ARGS: Mapping[str, type[Args]] = {
    "registry": RegistryArgs,
    "coder": CoderArgs,
    "front": FrontArgs,
}


@dataclass(frozen=True)
class Changes:
    """What the command line changes of a configuration; None leaves it as it is.

    Attributes:
        host: address to listen on.
        port: to listen on.
        model: the registry's bundle.
        coder: the coder's bundle or export.
        without: names of applications that are left out.
        token_file: of every application.
        store: the annotation store.
    """

    host: str | None = None
    port: int | None = None
    model: str | None = None
    coder: str | None = None
    without: tuple[str, ...] = ()
    token_file: str | None = None
    store: str | None = None


def settle_environment() -> None:
    """Sets what Ray and its processes read once, when they start; call it before Ray is imported.

    On a cluster that runs already it is the cluster's own environment that counts.
    """
    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")
    if not os.environ.get("RAY_ADDRESS"):
        for name, value in proxy_settings().items():
            os.environ.setdefault(name, value)


def read(path: str, changes: Changes) -> dict[str, Any]:
    """A configuration in Serve's own form, the changes made, everything in it checked.

    Raises:
        InputError: a field is unknown or wrong, or others than this machine could ask without a
            token.
    """
    try:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a file of configs/serve/") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise InputError(f"{path}: not valid YAML") from None
    if not isinstance(config, dict) or not isinstance(config.get("applications"), list):
        raise InputError(f"{path}: applications: give a list; see configs/serve/local.yaml")
    _change(config, changes)
    _check_args(config, path)
    _check_schema(config, path)
    _check_reach(config, path)
    return config


def prepare(config: Mapping[str, Any]) -> None:
    """Opens and makes what the replicas will open, so that what is wrong is one line, here.

    Raises:
        InputError: a bundle, a graph, a fingerprint or a token file is not valid.
    """
    from thce.serving.coder_graph import coder_graph
    from thce.serving.fingerprint import Fingerprint

    for application in config["applications"]:
        args = args_of(application)
        Security.open(args.safety.token_file)
        if isinstance(args, RegistryArgs):
            for model in filter(None, (args.model, args.shadow)):
                open_bundle(model, kind="registry").weights(args.weights)
            if args.fingerprint:
                Fingerprint.load(args.fingerprint)
        elif isinstance(args, CoderArgs):
            say("serve", "the coder's graph")
            coder_graph(args.model, args.precision)
        elif isinstance(args, FrontArgs) and args.explained:
            open_bundle(args.explained, kind="registry")


def start(config: Mapping[str, Any], address: str | None = None) -> str:
    """Starts Ray where none runs, then Serve, and waits until every application answers.

    Returns:
        The server's URL.

    Raises:
        InputError: it does not fit the cluster.
        Finding: an application did not start.
    """
    local = not (address or os.environ.get("RAY_ADDRESS"))
    if local:
        require_fits(asks_of(config), {"CPU": os.cpu_count() or 1, "GPU": _local_gpus()})
    resources = start_ray(address=address, worker_logs=False)
    if not local:
        require_fits(asks_of(config), resources)
    from ray import serve
    from ray.serve._private.api import serve_start
    from ray.serve.schema import ServeDeploySchema

    schema = ServeDeploySchema.model_validate(config)
    client = serve_start(
        http_options=schema.http_options.model_dump(),
        proxy_location=schema.proxy_location,
        global_logging_config=schema.logging_config,
    )
    client.deploy_apps(schema)
    _wait(serve, [application["name"] for application in config["applications"]])
    http = config["http_options"]
    return f"http://{http['host']}:{http['port']}"


def run_until_stopped() -> None:
    """Blocks until SIGTERM or Ctrl-C, then ends: no new request, those under way are finished."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(1.0):
        pass
    say("serve", "ending; requests under way are finished")
    stop()


def end_applications() -> None:
    """Deletes the applications; Serve lets requests under way finish, and takes no others."""
    from ray import serve
    from ray.serve.context import _get_global_client

    client = _get_global_client(raise_if_no_controller_running=False)
    if client is not None:
        with suppress(TimeoutError):  # Serve waits a minute at most
            client.delete_apps(list(serve.status().applications), blocking=True)


def stop() -> None:
    """Ends the applications and leaves Ray, which ends with it where it was started here."""
    import ray

    end_applications()
    ray.shutdown()


def args_of(application: Mapping[str, Any]) -> Any:
    """An application's arguments, by its kind."""
    return ARGS[_kind(application)].model_validate(application.get("args", {}))


def _kind(application: Mapping[str, Any]) -> str:
    return str(application.get("import_path", "")).rpartition(":")[2]


def _change(config: dict[str, Any], changes: Changes) -> None:
    http = config.setdefault("http_options", {})
    http.setdefault("host", "127.0.0.1")
    http.setdefault("port", 8000)
    http |= {
        name: value
        for name, value in (("host", changes.host), ("port", changes.port))
        if value is not None
    }
    kept = []
    for application in config["applications"]:
        kind = _kind(application)
        if kind in changes.without:
            continue
        args = application.setdefault("args", {})
        if changes.token_file is not None:
            args.setdefault("safety", {})["token_file"] = changes.token_file
        if kind == "registry" and changes.model is not None:
            args["model"] = changes.model
        if kind == "coder" and changes.coder is not None:
            args["model"] = changes.coder
        if kind == "front":
            args |= {name: None for name in changes.without if name in ("registry", "coder")}
            if changes.store is not None:
                args["store"] = changes.store
            if changes.model is not None:
                args["explained"] = changes.model
            if "registry" in changes.without:
                args["explained"] = None
        kept.append(application)
    config["applications"] = kept


def _check_args(config: Mapping[str, Any], path: str) -> None:
    for application in config["applications"]:
        where = f"{path}: {application.get('name')}"
        if _kind(application) not in ARGS:
            known = ", ".join(f"thce.serving.applications:{kind}" for kind in ARGS)
            raise InputError(f"{where}: import_path: one of {known}")
        try:
            args_of(application)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise InputError(f"{where}: args.{field}: {first['msg'].lower()}") from None


def _check_schema(config: Mapping[str, Any], path: str) -> None:
    from ray.serve import schema

    _refuse_unknown(path, "", config, schema.ServeDeploySchema)
    for application in config["applications"]:
        where = f"{application['name']}: "
        _refuse_unknown(path, where, application, schema.ServeApplicationSchema)
        for deployment in application.get("deployments", []):
            _refuse_unknown(path, where, deployment, schema.DeploymentSchema)
    try:
        schema.ServeDeploySchema.model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {field}: {first['msg'].lower()}") from None


def _refuse_unknown(path: str, where: str, given: Mapping[str, Any], schema: Any) -> None:
    """Serve takes no notice of a misspelt name."""
    for name in given:
        if name not in schema.model_fields:
            raise InputError(f"{path}: {where}{name}: unknown name, correct the spelling")


def _check_reach(config: Mapping[str, Any], path: str) -> None:
    host = config["http_options"]["host"]
    files = {args_of(application).safety.token_file for application in config["applications"]}
    if len(files) > 1:
        raise InputError(f"{path}: token_file: the same for every application, or for none")
    if host not in LOOPBACK and files == {None}:
        raise InputError(
            f"host: {host} is reached by others, so callers must have tokens: make them with "
            "`thce serve token NAME --role ROLE` and give --token-file (docs/security.md)"
        )


def _local_gpus() -> int:
    from ray._private.accelerators import NvidiaGPUAcceleratorManager

    return int(NvidiaGPUAcceleratorManager.get_current_node_num_accelerators())


def _wait(serve: Any, names: list[str]) -> None:
    """Until every application runs.

    Raises:
        Finding: one cannot start, or does not within five minutes.
    """
    ends = time.monotonic() + START_SECONDS
    while True:
        found = serve.status().applications
        running = {name for name in names if name in found and found[name].status == "RUNNING"}
        failed = [name for name in names if name in found and "FAILED" in found[name].status]
        if failed:
            raise Finding(f"serve: {failed[0]} did not start: {_first_line(found[failed[0]])}")
        if len(running) == len(names):
            return
        if time.monotonic() > ends:
            missing = ", ".join(sorted(set(names) - running))
            raise Finding(f"serve: {missing}: not running after {START_SECONDS:g} seconds")
        say("serve", f"{len(running)} of {len(names)} parts are up")
        time.sleep(0.5)


def _first_line(application: Any) -> str:
    """The reason, as the last line of a replica's traceback says it."""
    said = [application.message, *(one.message for one in application.deployments.values())]
    lines = [line.strip() for line in "\n".join(filter(None, said)).splitlines() if line.strip()]
    named = [line for line in lines if "Error" in line]
    return (named or lines or ["no reason given"])[-1][:300]
