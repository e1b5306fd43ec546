"""How fresh networks are filled: one rule per family of architectures, as their sources do it.

A rule fills one layer in place from a CPU generator; layers that hold no weights are left alone.
All weights of a backbone must be reached, so that they depend on the generator and nothing else.
"""

import math
from collections.abc import Callable

import torch
from torch import nn

Rule = Callable[[nn.Module, torch.Generator], None]


def he_fan_out(layer: nn.Module, generator: torch.Generator) -> None:
    """Convolutions: He normal, fan-out, as torchvision's video ResNets and SlowFast.

    BatchNorm: identity. Linear: normal, deviation 0.01.
    """
    if isinstance(layer, nn.Conv3d):
        nn.init.kaiming_normal_(
            layer.weight, mode="fan_out", nonlinearity="relu", generator=generator
        )
    else:
        _plain(layer, generator)


def he_fan_in(layer: nn.Module, generator: torch.Generator) -> None:
    """Convolutions: He normal, fan-in, as video_cluster pretrains; the rest as `he_fan_out`."""
    if isinstance(layer, nn.Conv3d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    else:
        _plain(layer, generator)


def uniform_fan_in(layer: nn.Module, generator: torch.Generator) -> None:
    """Convolutions: uniform within 1 / sqrt(fan-in), PyTorch's own; the rest as `he_fan_out`.

    VCOP, TAdaConv (INITIALIZATION unset) and torchvision's S3D leave it at that.
    """
    if isinstance(layer, nn.Conv3d):
        _uniform(layer, generator)
    else:
        _plain(layer, generator)


def narrow_normal(layer: nn.Module, generator: torch.Generator) -> None:
    """Convolutions: normal, deviation 0.01, as CoCLR's S3D-G; the rest as `he_fan_out`."""
    if isinstance(layer, nn.Conv3d):
        nn.init.normal_(layer.weight, 0.0, 0.01, generator=generator)
    else:
        _plain(layer, generator)


def transformer(layer: nn.Module, generator: torch.Generator) -> None:
    """As torchvision's MViT and Swin3D.

    Linear layers, class tokens and tables of relative positions: truncated normal, deviation
    0.02. LayerNorm: identity. Convolutions: uniform within 1 / sqrt(fan-in).
    """
    if isinstance(layer, nn.Conv3d):
        _uniform(layer, generator)
    elif isinstance(layer, nn.LayerNorm):
        layer.reset_parameters()
    else:
        for name, parameter in layer.named_parameters(recurse=False):
            if name == "bias":
                nn.init.zeros_(parameter)
            else:
                nn.init.trunc_normal_(parameter, std=0.02, generator=generator)


def _plain(layer: nn.Module, generator: torch.Generator) -> None:
    if isinstance(layer, nn.BatchNorm3d):
        layer.reset_running_stats()
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, 0.0, 0.01, generator=generator)
        nn.init.zeros_(layer.bias)


def _uniform(layer: nn.Conv3d, generator: torch.Generator) -> None:
    bound = 1 / math.sqrt(layer.weight[0].numel())
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    if layer.bias is not None:
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
