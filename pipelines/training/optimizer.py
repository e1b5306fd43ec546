"""Optimisers by name."""

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from pipelines.training.recipe import OptimizerConfig


def build_optimizer(parameters: Iterable[nn.Parameter], config: OptimizerConfig) -> Optimizer:
    """SGD with momentum (MotionFit 4.2: vanilla, no Nesterov), Adam or AdamW.

    Of all parameters together (`foreach`), as is torch's own choice on a GPU: on a CPU that gives
    the bits of one after the other in less time.

    Only trainable parameters are optimised. Weight decay covers all of them, as in the papers'
    and VCOP's plain SGD, or what is no normalisation layer and no bias, as in MoSI's code
    (alibaba-mmai-research/TAdaConv, models/utils/optimizer.py).
    """
    groups = _groups(parameters, config)
    if config.name == "sgd":
        return SGD(
            groups,
            lr=config.learning_rate,
            momentum=config.momentum,
            dampening=config.dampening,
            foreach=True,
        )
    if config.name == "adam":
        return Adam(groups, lr=config.learning_rate, foreach=True)
    return AdamW(groups, lr=config.learning_rate, foreach=True)


def _groups(parameters: Iterable[nn.Parameter], config: OptimizerConfig) -> list[dict[str, Any]]:
    """Groups with their weight decay; normalisation layers and biases have one axis at most."""
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    if config.decay_norm_and_bias:
        return [{"params": trainable, "weight_decay": config.weight_decay}]
    weights = [parameter for parameter in trainable if parameter.ndim > 1]
    others = [parameter for parameter in trainable if parameter.ndim <= 1]
    groups = ((weights, config.weight_decay), (others, 0.0))
    return [{"params": found, "weight_decay": decay} for found, decay in groups if found]
