"""Pretraining recipes of a preset, ready to be timed: by the engine, and their bare networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import torch
from torch import nn

from pipelines.frames.frame_store import FrameStore
from pipelines.io.config import canonical, decode_config
from pipelines.models.backbones import NUM_CHANNELS, Backbone
from pipelines.models.heads import build_classifier
from pipelines.motion.edge_store import EdgeStore
from pipelines.pretraining import (
    pretrain_clip_order,
    pretrain_instance_recognition,
    pretrain_local_aggregation,
    pretrain_modist,
    pretrain_mosi,
    pretrain_pseudo_labels,
)
from pipelines.pretraining.method import Context, Pretraining
from pipelines.pretraining.recipe import PretrainingRecipe
from pipelines.training.clip_sources import ClipSource
from tests.benchmarks.material import preset_value

# Recipe -> its command.
RECIPES = {
    "vcop": pretrain_clip_order,
    "vcop_labels": pretrain_pseudo_labels,
    "mosi": pretrain_mosi,
    "modist": pretrain_modist,
    "rgb_contrast": pretrain_modist,
    "video_ir": pretrain_instance_recognition,
    "video_la": pretrain_local_aggregation,
}


class Pass(NamedTuple):
    """One backbone's part of a step.

    Attributes:
        network: The backbone.
        shape: Of the clips that it sees.
        is_backward: Whether gradients are wanted; key networks' are not.
    """

    network: nn.Module
    shape: torch.Size
    is_backward: bool


@dataclass(frozen=True)
class Ready:
    """A recipe that can be trained.

    Attributes:
        recipe: As the preset has it.
        training: Task and batches.
    """

    recipe: PretrainingRecipe
    training: Pretraining

    def passes(self) -> list[Pass]:
        """What each backbone of the task does in one batch."""
        seen: list[Pass] = []

        def note(network: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            seen.append(Pass(network, arguments[0].shape, torch.is_grad_enabled()))

        task = self.training.task
        networks = [part for part in task.modules() if isinstance(part, Backbone)]
        hooks = [network.register_forward_pre_hook(note) for network in networks]
        device = next(task.parameters()).device
        batch = next(iter(self.training.batches(0, 1)))
        task.before_step(0)
        task(
            {
                key: value.to(device) if isinstance(value, torch.Tensor) else value
                for key, value in batch.items()
            }
        )
        for hook in hooks:
            hook.remove()
        return seen


def ready_recipe(
    preset: str,
    recipe: str,
    frames: FrameStore,
    edges: EdgeStore | None,
    device: torch.device,
) -> Ready:
    """Build one recipe as its command does.

    Args:
        preset: Whose values.
        recipe: A key of `RECIPES`.
        frames: All of its videos are trained on.
        edges: Motion maps of the same videos, for recipes that read them.
        device: Where to train.
    """
    found: Mapping[str, object] = preset_value(preset, f"pretraining.{recipe}")
    chosen = decode_config(canonical(found), PretrainingRecipe)
    backbone = preset_value(preset, "backbones.appearance")
    context = Context(
        backbone=backbone,
        clips=chosen.clips,
        recipe=chosen,
        source=ClipSource(frames.num_frames, frames, None, ()),
        videos=sorted(frames.num_frames),
        held=[],
        seed=0,
        device=device,
        initial=build_classifier(backbone, NUM_CHANNELS["rgb"], 0, 0.0, 0)
        if chosen.initial
        else None,
        prior=None,
        edges=edges if "edges" in chosen.reads else None,
    )
    command = RECIPES[recipe]
    options = msgspec.json.decode(chosen.options, type=command.Options)
    return Ready(chosen, command.build(context, options))
