"""The cluster files are what Ray and KubeRay accept, and hold what docs/cluster.md says of them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from thce.engine import SETTINGS

RAY_FILES = ("local", "machines", "aws", "gcp")
CLOUDS = ("aws", "gcp")
KUBERAY_FILES = {
    "ray-cluster": ("RayCluster", "rayclusters"),
    "ray-job": ("RayJob", "rayjobs"),
    "ray-service": ("RayService", "rayservices"),
}
IMAGE = "thce:0.1.0"


def _read(repository: Path, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((repository / "cluster" / f"{name}.yaml").read_text()))


def _cluster_spec(repository: Path, name: str) -> dict[str, Any]:
    """The cluster in a KubeRay manifest, whatever its kind."""
    spec = _read(repository, f"kuberay/{name}")["spec"]
    return dict(spec.get("rayClusterSpec") or spec.get("rayClusterConfig") or spec)


def _pods(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "head", spec["headGroupSpec"]["template"]["spec"]
    for group in spec["workerGroupSpecs"]:
        yield group["groupName"], group["template"]["spec"]


@pytest.mark.parametrize("name", RAY_FILES)
def test_ray_accepts_the_file(repository: Path, name: str) -> None:
    config = _read(repository, name)
    schema = Path(ray.__file__).parent / "autoscaler" / "ray-schema.json"
    jsonschema.validate(config, json.loads(schema.read_text()))
    if config["provider"]["type"] != "fake_multinode":  # of which `ray start` fills nothing in
        config = prepare_config(config)
    validate_config(config)
    assert {"file_mounts", "initialization_commands", "worker_setup_commands"} <= set(config)


@pytest.mark.parametrize("name", CLOUDS)
def test_workers_in_a_cloud_are_spot_and_go_when_idle_but_the_head_is_not(
    repository: Path, name: str
) -> None:
    config = _read(repository, name)
    types = config["available_node_types"]
    spot = {
        kind: "InstanceMarketOptions" in node["node_config"] or "scheduling" in node["node_config"]
        for kind, node in types.items()
    }
    assert spot == {"head": False, "cpu": True, "gpu": True}
    assert types["head"]["resources"] == {"CPU": 0}
    for kind in ("cpu", "gpu"):
        assert types[kind]["min_workers"] == 0
        assert 0 < types[kind]["max_workers"] <= config["max_workers"]


@pytest.mark.parametrize("name", ("machines", *CLOUDS))
def test_a_cluster_has_a_token_and_its_state_in_redis(repository: Path, name: str) -> None:
    config = _read(repository, name)
    options = config["docker"]["run_options"]
    assert "--env RAY_AUTH_MODE=token" in options
    assert config["docker"]["image"] == IMAGE
    assert config["file_mounts"]["/home/thce/.ray/auth_token"] == "~/.ray/auth_token"
    start = config["head_start_ray_commands"][-1]
    assert ". ~/.ray/head.env" in start and '--redis-password="$REDIS_PASSWORD"' in start
    assert "--dashboard-host=127.0.0.1" in start


@pytest.fixture(scope="session")
def definitions() -> Path:
    """KubeRay's definitions, which are not shipped: a user's Kubernetes holds them to each file."""
    folder = os.environ.get("THCE_CRD_SCHEMAS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("THCE_CRD_SCHEMAS names no folder of KubeRay's resource definitions")
    return Path(folder)


@pytest.mark.parametrize("name", KUBERAY_FILES)
def test_kuberay_accepts_the_file(repository: Path, definitions: Path, name: str) -> None:
    manifest = _read(repository, f"kuberay/{name}")
    kind, plural = KUBERAY_FILES[name]
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", kind)
    accepts = _validator(definitions / f"ray.io_{plural}.yaml")
    accepts.validate(manifest)
    manifest["spec"]["misspelt"] = True
    with pytest.raises(jsonschema.ValidationError, match="misspelt"):
        accepts.validate(manifest)


def _validator(definition: Path) -> jsonschema.Draft4Validator:
    versions = yaml.load(definition.read_text(), Loader=yaml.CSafeLoader)["spec"]["versions"]
    schema = next(one["schema"]["openAPIV3Schema"] for one in versions if one["name"] == "v1")
    return jsonschema.Draft4Validator(_strict(schema))


def _strict(schema: Any) -> Any:
    """The schema with unknown fields refused, which Kubernetes would drop without a word."""
    if not isinstance(schema, dict):
        return schema
    strict = {
        key: {name: _strict(one) for name, one in value.items()}
        if key == "properties"
        else _strict(value)
        for key, value in schema.items()
    }
    if "properties" in strict and not strict.get("x-kubernetes-preserve-unknown-fields"):
        strict.setdefault("additionalProperties", False)
    return strict


@pytest.mark.parametrize("name", KUBERAY_FILES)
def test_a_manifest_scales_cpu_and_gpu_workers_on_spot_nodes(repository: Path, name: str) -> None:
    spec = _cluster_spec(repository, name)
    assert spec["enableInTreeAutoscaling"] is True
    groups = {group["groupName"]: group for group in spec["workerGroupSpecs"]}
    assert set(groups) == {"cpu", "gpu"}
    for group in groups.values():
        assert group["minReplicas"] <= group["replicas"] < group["maxReplicas"]
        pod = group["template"]["spec"]
        keys = {one["key"] for one in pod["tolerations"]}
        assert {"cloud.google.com/gke-spot", "kubernetes.azure.com/scalesetpriority"} <= keys
        (preferences,) = pod["affinity"]["nodeAffinity"].values()
        assert len(preferences) == 3
    sizes = groups["gpu"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert sizes["nvidia.com/gpu"] == "1"


@pytest.mark.parametrize("name", KUBERAY_FILES)
def test_a_manifest_asks_for_the_token_and_outlives_its_head(repository: Path, name: str) -> None:
    spec = _cluster_spec(repository, name)
    assert spec["authOptions"] == {"mode": "token", "secretName": "thce-ray-auth"}
    redis = spec["gcsFaultToleranceOptions"]
    assert redis["redisPassword"]["valueFrom"]["secretKeyRef"]["name"] == "thce-redis"
    assert spec["rayVersion"] == ray.__version__


@pytest.mark.parametrize("name", KUBERAY_FILES)
def test_pods_are_nobody_in_particular_and_see_the_shared_folder(
    repository: Path, name: str
) -> None:
    for group, pod in _pods(_cluster_spec(repository, name)):
        assert pod["securityContext"]["runAsNonRoot"] is True, group
        (container,) = pod["containers"]
        assert container["image"] == IMAGE
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["resources"]["requests"] == container["resources"]["limits"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert {"name": "THCE_HOME", "value": "/shared/thce"} in container["env"]


def test_the_three_manifests_have_the_same_workers(repository: Path) -> None:
    cluster, job, service = (_cluster_spec(repository, name) for name in KUBERAY_FILES)
    assert cluster == job
    for ours, theirs in zip(cluster["workerGroupSpecs"], service["workerGroupSpecs"], strict=True):
        assert ours["template"] == theirs["template"]


def test_every_claim_that_a_pod_mounts_is_in_storage(repository: Path) -> None:
    text = (repository / "cluster" / "kuberay" / "storage.yaml").read_text()
    claims = {one["metadata"]["name"] for one in yaml.safe_load_all(text)}
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for name in KUBERAY_FILES
        for _, pod in _pods(_cluster_spec(repository, name))
        for volume in pod["volumes"]
    }
    assert mounted == claims


def test_the_served_applications_are_those_of_the_configuration(repository: Path) -> None:
    configured = repository / "configs" / "serve" / "cluster.yaml"
    served = yaml.safe_load(_read(repository, "kuberay/ray-service")["spec"]["serveConfigV2"])
    front = next(one for one in served["applications"] if one["name"] == "front")
    assert front["args"].pop("store").startswith("/annotations/")
    assert served == yaml.safe_load(configured.read_text())


def test_the_entrypoint_of_the_job_is_in_the_image(repository: Path) -> None:
    entrypoint = _read(repository, "kuberay/ray-job")["spec"]["entrypoint"].split()
    files = [word.removeprefix("/app/") for word in entrypoint if word.startswith("/app/")]
    assert files and all((repository / name).is_file() for name in files)
    copied = [line.split()[1] for line in _dockerfile(repository) if line.startswith("COPY ")]
    assert {name.partition("/")[0] for name in files} <= set(copied)


def test_the_image_is_locked_and_small(repository: Path) -> None:
    lines = _dockerfile(repository)
    assert any("--constraint constraints.txt" in line for line in lines)
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    allowed = (repository / ".dockerignore").read_text().split()
    assert allowed[0] == "*"
    assert {word.removeprefix("!") for word in allowed if word.startswith("!")} == copied
    assert all((repository / name).exists() for name in copied)


def _dockerfile(repository: Path) -> list[str]:
    return [line.strip() for line in (repository / "Dockerfile").read_text().splitlines()]


def test_a_job_brings_the_settings_that_thce_gives_its_own_ray(repository: Path) -> None:
    found = yaml.safe_load((repository / "configs" / "runtime_env.yaml").read_text())
    of_the_machine = {"RAY_worker_niceness"}
    wanted = {name: value for name, value in SETTINGS.items() if name not in of_the_machine}
    assert found == {"env_vars": wanted}
