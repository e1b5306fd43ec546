"""A classifier on a video backbone, and which of its stages are trained."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipelines.io.errors import ConfigError
from pipelines.models.backbones import Backbone, build_backbone, initialise_weights

HEAD = "fc"
LINEAR_PROBE = "linear_probe"

# "all", "linear_probe" (fc alone), "last_2" (the last two stages and fc), the names of stages, or
# {"freeze": first stages kept}.
Trainable = str | Sequence[str] | Mapping[Literal["freeze"], int]
LAST = "last_"


class Classifier(nn.Module):
    """Backbone, dropout and one linear layer; with 0 classes a backbone alone.

    N clips, C channels, T x H x W positions, D features.

    Attributes:
        backbone: The stages.
        fc: The linear layer; the identity where there are no classes.
        frozen: Stages that are not trained; they stay in evaluation mode.
        is_updating_frozen: Whether BatchNorm of frozen stages normalises by the batch and moves
            its running statistics in training.
    """

    def __init__(self, backbone: Backbone, num_classes: int, dropout: float) -> None:
        """Put a linear layer for `num_classes` on the backbone."""
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(backbone.num_features, num_classes) if num_classes else nn.Identity()
        self.frozen: frozenset[str] = frozenset()
        self.is_updating_frozen = False

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The backbone's stages from input to output, then "fc" where there is one."""
        head = (HEAD,) if isinstance(self.fc, nn.Linear) else ()
        return (*self.backbone.stage_names, *head)

    def stage(self, name: str) -> nn.Module:
        """The module of one stage."""
        return self.fc if name == HEAD else self.backbone.get_submodule(name)

    def features(self, clips: torch.Tensor) -> torch.Tensor:
        """Pooled backbone features before dropout, (N, C, T, H, W) -> (N, D)."""
        pooled: torch.Tensor = self.backbone(clips)
        return pooled

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits from pooled features, (N, D) -> (N, num_classes); (N, D) without a head."""
        logits: torch.Tensor = self.fc(self.dropout(features))
        return logits

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Logits, (N, C, T, H, W) -> (N, num_classes)."""
        return self.classify(self.features(clips))

    def train(self, mode: bool = True) -> "Classifier":
        """Switch between training and evaluation; frozen stages stay in evaluation mode.

        No paper says how BatchNorm of frozen stages behaves; updating its running statistics
        would change a stage that is said to be kept. The official code of paper 003 does update
        them (pvtokmakov/video_cluster), which `is_updating_frozen` follows.
        """
        super().train(mode)
        for name in self.frozen:
            stage = self.stage(name).eval()
            if self.is_updating_frozen:
                for layer in stage.modules():
                    if isinstance(layer, _BatchNorm):
                        layer.train(mode)
        return self


def build_classifier(
    backbone: str, in_channels: int, num_classes: int, dropout: float, seed: int
) -> Classifier:
    """Build a classifier with random weights that depend on `seed` alone.

    Args:
        backbone: Name in `pipelines.models.backbones.BACKBONES`.
        in_channels: Channels of the input clips.
        num_classes: Outputs; 0 for a backbone without a head.
        dropout: Probability of dropping a feature in training, in [0, 1).
        seed: Of the initial weights.

    Raises:
        ConfigError: If no backbone has that name.
    """
    network = build_backbone(backbone, in_channels)
    with torch.random.fork_rng(devices=[]):
        model = Classifier(network, num_classes, dropout)
    initialise_weights(model, torch.Generator().manual_seed(seed))
    return model


def take_backbone(model: Classifier, trained: Classifier) -> None:
    """Copy the weights of a trained backbone into a network of the same architecture.

    Args:
        model: Changed in place; its `fc` stays.
        trained: Where the weights come from.

    Raises:
        ConfigError: If the backbones differ, with the first key that does.
    """
    wanted, found = model.backbone.state_dict(), trained.backbone.state_dict()
    for key in sorted(wanted.keys() | found.keys()):
        ours, theirs = (
            tuple(state[key].shape) if key in state else None for state in (wanted, found)
        )
        if ours != theirs:
            raise ConfigError(
                f"weights of another architecture: {key} is {ours} in the network to train and "
                f"{theirs} in the trained one; use one backbone for both"
            )
    model.backbone.load_state_dict(found)


def trainable_stages(
    model: Classifier, trainable: Trainable, is_updating_frozen: bool = False
) -> None:
    """Choose which stages are trained; the others are frozen.

    MotionFit fine-tunes conv4, conv5 and fc: "last_2", layer3, layer4 and fc here. MoSI's
    Figure 6 and paper 003 freeze the first stages: conv1 is the stem, so {"freeze": 1} keeps
    conv1 and {"freeze": 2} keeps conv1 and conv2. All stages frozen are a linear probe.

    Args:
        model: Changed in place.
        trainable: "all", "linear_probe", "last_2", names of stages, or
            {"freeze": first stages kept}.
        is_updating_frozen: See `Classifier`.

    Raises:
        ConfigError: If a name is unknown, no stage is left, or more are counted than there are.
    """
    chosen = set(_chosen_stages(model, trainable))
    unknown = sorted(chosen - set(model.stage_names))
    if unknown or not chosen:
        found = f"unknown stages {', '.join(unknown)}" if unknown else "no stage"
        raise ConfigError(
            f"cannot train {found}; expected 'all', 'linear_probe', 'last_2', {{freeze: k}} or a "
            f"list out of {', '.join(model.stage_names)}"
        )
    model.frozen = frozenset(model.stage_names) - chosen
    model.is_updating_frozen = is_updating_frozen
    for name in model.stage_names:
        model.stage(name).requires_grad_(name in chosen)
    model.train(model.training)


def _chosen_stages(model: Classifier, trainable: Trainable) -> Sequence[str]:
    names = model.backbone.stage_names
    if isinstance(trainable, Mapping):
        return model.stage_names[_checked(trainable["freeze"], "freeze the first", names) :]
    if isinstance(trainable, str) and trainable.removeprefix(LAST).isdecimal():
        count = _checked(int(trainable.removeprefix(LAST)), "train the last", names)
        return model.stage_names[len(names) - count :]
    if trainable == "all":
        return model.stage_names
    if trainable == LINEAR_PROBE:
        return (HEAD,)
    return (trainable,) if isinstance(trainable, str) else trainable


def _checked(count: int, asked: str, names: Sequence[str]) -> int:
    if not 0 <= count <= len(names):
        raise ConfigError(
            f"cannot {asked} {count} stages; the backbone has {len(names)}: {', '.join(names)}"
        )
    return count
