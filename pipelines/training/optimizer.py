"""Optimisers by name."""

from collections.abc import Iterable

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from pipelines.training.recipe import OptimizerConfig


def build_optimizer(parameters: Iterable[nn.Parameter], config: OptimizerConfig) -> Optimizer:
    """SGD with momentum (MotionFit 4.2: vanilla, no Nesterov) or AdamW, over what is trainable.

    Weight decay covers every trainable parameter, as in the paper's and VCOP's plain SGD.
    """
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    if config.name == "sgd":
        return SGD(
            trainable,
            lr=config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )
    return AdamW(trainable, lr=config.learning_rate, weight_decay=config.weight_decay)
