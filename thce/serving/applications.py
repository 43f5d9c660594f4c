"""What Serve binds: three applications of one server, each at the path that it answers.

`/v1/registry` and `/v1/codes` are applications of their own, so that a request goes from the proxy
straight to the model; everything else is the front's.
"""

from typing import Any

from thce.serving.config import CoderArgs, FrontArgs, RegistryArgs


def registry(args: RegistryArgs) -> Any:
    """RegistryModel, and ShadowModel where one is configured."""
    from ray import serve

    from thce.serving.registry_model import RegistryModel
    from thce.serving.shadow import ShadowModel

    shadow = None
    if args.shadow is not None:
        shadow = serve.deployment(ShadowModel).bind(args.shadow, args.weights, args.device)
    model = serve.deployment(name="RegistryModel")(serve.ingress()(RegistryModel))
    return model.bind(args, shadow)


def coder(args: CoderArgs) -> Any:
    """CoderModel."""
    from ray import serve

    from thce.serving.coder_model import CoderModel

    return serve.deployment(name="CoderModel")(serve.ingress()(CoderModel)).bind(args)


def front(args: FrontArgs) -> Any:
    """Front, DisagreementSampler and Rules."""
    from ray import serve

    from thce.serving.front import Front
    from thce.serving.rules import Rules
    from thce.serving.sampler import DisagreementSampler

    rules = serve.deployment(Rules).bind()
    sampler = serve.deployment(DisagreementSampler).bind(
        rules, args.registry, args.coder, args.seconds
    )
    return serve.deployment(name="Front")(serve.ingress()(Front)).bind(args, sampler)
