"""Weights published by others, loaded into a backbone through explicit key maps.

A key map names, for each module of the published network, the module here that it fills; the
tensors of a module (`weight`, `running_mean`, ...) have the same names everywhere. What belongs to
the published backbone must land, and every parameter of the backbone must be filled, or the
weights are refused; what lies outside of it (classifiers, projection heads) is skipped and
reported.

Layouts, and the code whose files they are
    torchvision: torchvision.models.video, flat state dicts.
    vcop: xudejing/video-clip-order-prediction; `base_network.` where pretrained.
    mosi: alibaba-mmai-research/TAdaConv, {"model_state": ...}, `backbone.`.
    hara: kenshohara/3D-ResNets-PyTorch, {"state_dict": ...}, and pvtokmakov/video_cluster,
        {"model_state_dict": ...}; `module.` where trained on several GPUs.
    imagenet: 2D ResNets of torchvision.models, inflated: a kernel is repeated over time and
        divided by its length, so that a clip without motion gives the image's activations.
    ours: the `model.pt` of this project, of any backbone; whatever read RGB there.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from pipelines.io.damage import UNREADABLE
from pipelines.io.errors import ConfigError, ContractError
from pipelines.models.backbones import Backbone
from pipelines.models.s3d import S3D_STAGES
from pipelines.models.transformers import MVIT_DEPTHS

log = logging.getLogger(__name__)

STAGES = ("layer1", "layer2", "layer3", "layer4")
PROBLEMS_SHOWN = 8
# Where files keep the state dict.
CONTAINERS = ("model_state", "state_dict", "model_state_dict", "state")
OURS = "ours"
# Not in files older than PyTorch 0.4.1, and no part of what a network computes.
OPTIONAL = "num_batches_tracked"


@dataclass(frozen=True)
class KeyMap:
    """How one published layout fills one architecture.

    Attributes:
        modules: Published module -> module of the backbone; the longest match counts.
        wrappers: Prefixes that the published keys may have, outermost first.
        inflate: Whether kernels are 2D and are repeated over time.
    """

    modules: Mapping[str, str]
    wrappers: tuple[str, ...] = ("module.",)
    inflate: bool = False

    @property
    def roots(self) -> frozenset[str]:
        """First names of the published backbone's keys; all other keys are heads."""
        return frozenset(module.split(".")[0] for module in self.modules)

    def bare(self, key: str) -> str:
        """The key without the wrappers."""
        for wrapper in self.wrappers:
            key = key.removeprefix(wrapper)
        return key

    def target(self, key: str) -> str | None:
        """Name in the backbone of a bare key, None where no module is mapped."""
        parts = key.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = self.modules.get(".".join(parts[:length]))
            if module is not None:
                return ".".join((module, *parts[length:]))
        return None


@dataclass(frozen=True)
class LoadReport:
    """What became of a checkpoint's keys.

    Attributes:
        loaded: Published keys that fill the backbone.
        skipped: Published keys that do not.
    """

    loaded: tuple[str, ...]
    skipped: tuple[str, ...]


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a published file, without its optimizer, epoch and so on.

    Args:
        path: Written by torch.save; only tensors and plain containers are unpickled.

    Raises:
        ContractError: If the file is missing, unreadable or holds no state dict.
    """
    if not path.is_file():
        raise ContractError(f"{path} is missing; put the published checkpoint there")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise ContractError(
            f"{path} holds more than tensors or is damaged ({type(error).__name__}); load it where "
            "its own code is trusted and save only the state dict with torch.save"
        ) from error
    for name in CONTAINERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not content:
        raise ContractError(f"{path}: expected a state dict, found {type(content).__name__}")
    strangers = [name for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if strangers:
        raise ContractError(
            f"{path}: expected tensors by name, also under {', '.join(CONTAINERS)}; found "
            f"{', '.join(map(str, strangers[:PROBLEMS_SHOWN]))}"
        )
    return content


def load_weights(
    backbone: Backbone, name: str, state: Mapping[str, torch.Tensor], layout: str
) -> LoadReport:
    """Fill a backbone with published weights; nothing is changed if they do not fit.

    Args:
        backbone: Filled in place.
        name: Its key in `pipelines.models.backbones.BACKBONES`.
        state: Published tensors by name.
        layout: A key of `KEY_MAPS[name]`, or "ours".

    Raises:
        ConfigError: If the layout does not exist for this backbone.
        ContractError: If the weights are another architecture's, with names and shapes.
    """
    maps = {**KEY_MAPS.get(name, {}), OURS: KeyMap(_same(backbone.stage_names), ("backbone.",))}
    if layout not in maps:
        raise ConfigError(
            f"unknown layout {layout!r} of weights for {name}; choose one of {', '.join(maps)}"
        )
    own = backbone.state_dict()
    filled, report, problems = _mapped(maps[layout], state, own)
    problems += [
        f"{key} {tuple(value.shape)} is missing"
        for key, value in own.items()
        if key not in filled and not key.endswith(OPTIONAL)
    ]
    if problems:
        more = len(problems) - PROBLEMS_SHOWN
        shown = problems[:PROBLEMS_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise ContractError(
            f"weights of another architecture than {name} (layout {layout}): {'; '.join(shown)}"
        )
    backbone.load_state_dict(filled, strict=False)
    log.info("%s: %d tensors loaded, skipped: %s", name, len(filled), list(report.skipped))
    return report


def _mapped(
    key_map: KeyMap, state: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], LoadReport, list[str]]:
    filled: dict[str, torch.Tensor] = {}
    loaded, skipped, problems = [], [], []
    for key, published in state.items():
        bare = key_map.bare(key)
        if bare.split(".")[0] not in key_map.roots:
            skipped.append(key)
            continue
        target = key_map.target(bare)
        if target is None or target not in own:
            problems.append(f"{key} {tuple(published.shape)} has no place")
            continue
        value = _inflated(published, own[target]) if key_map.inflate else published
        if value.shape != own[target].shape:
            expected = tuple(own[target].shape)
            problems.append(f"{key} {tuple(published.shape)} does not fit {target} {expected}")
            continue
        filled[target] = value
        loaded.append(key)
    return filled, LoadReport(tuple(loaded), tuple(skipped)), problems


def _inflated(image: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
    """A 2D kernel (D, C, H, W) repeated over the T frames of the 3D one and divided by T."""
    if image.dim() != 4 or video.dim() != 5:
        return image
    num_frames = video.shape[2]
    return image[:, :, None].expand(-1, -1, num_frames, -1, -1) / num_frames


def _same(names: tuple[str, ...]) -> dict[str, str]:
    return {name: name for name in names}


def _vcop() -> dict[str, str]:
    """R2Plus1DNet of models/r21d.py; each stage is one `block1` and an empty `blocks`."""
    modules = {"bn1": "stem.4", **_factorised("conv1", "stem")}
    for index, stage in enumerate(STAGES, start=2):
        theirs, ours = f"conv{index}.block1", f"{stage}.0"
        modules |= _factorised(f"{theirs}.conv1", f"{ours}.conv1.0")
        modules |= _factorised(f"{theirs}.conv2", f"{ours}.conv2.0")
        modules |= _factorised(f"{theirs}.downsampleconv", f"{ours}.downsample.0")
        modules[f"{theirs}.bn1"] = f"{ours}.conv1.1"
        modules[f"{theirs}.bn2"] = f"{ours}.conv2.1"
        modules[f"{theirs}.downsamplebn"] = f"{ours}.downsample.1"
    return modules


def _factorised(theirs: str, ours: str) -> dict[str, str]:
    names = {"spatial_conv": 0, "bn": 1, "temporal_conv": 3}
    return {f"{theirs}.{name}": f"{ours}.{index}" for name, index in names.items()}


def _mosi_stages(num_blocks: int, branch: Mapping[str, str]) -> dict[str, str]:
    """ResNet3D of TAdaConv after its stem: conv2 to conv5 of res_1, res_2, ..."""
    modules: dict[str, str] = {}
    for index, stage in enumerate(STAGES, start=2):
        for block in range(num_blocks):
            theirs, ours = f"conv{index}.res_{block + 1}", f"{stage}.{block}"
            modules |= {f"{theirs}.conv_branch.{a}": f"{ours}.{b}" for a, b in branch.items()}
            modules[f"{theirs}.short_cut"] = f"{ours}.downsample.0"
            modules[f"{theirs}.short_cut_bn"] = f"{ours}.downsample.1"
    return modules


def _mosi_r2d3d() -> dict[str, str]:
    """R2D3DBranch with DownSampleStem."""
    branch = {"a": "conv1", "a_bn": "bn1", "b": "conv2", "b_bn": "bn2"}
    return {"conv1.a": "stem.0", "conv1.a_bn": "stem.1", **_mosi_stages(2, branch)}


def _mosi_r2plus1d() -> dict[str, str]:
    """R2Plus1DBranch with R2Plus1DStem."""
    stem = {"a1": "stem.0", "a1_bn": "stem.1", "a2": "stem.3", "a2_bn": "stem.4"}
    branch: dict[str, str] = {}
    for letter, ours in (("a", "conv1"), ("b", "conv2")):
        branch |= {f"{letter}1": f"{ours}.0.0", f"{letter}1_bn": f"{ours}.0.1"}
        branch |= {f"{letter}2": f"{ours}.0.3", f"{letter}2_bn": f"{ours}.1"}
    return {f"conv1.{a}": b for a, b in stem.items()} | _mosi_stages(1, branch)


def _resnet() -> dict[str, str]:
    """2D ResNets of torchvision and 3D-ResNets name everything but the stem as we do."""
    return {"conv1": "stem.0", "bn1": "stem.1", **_same(STAGES)}


def _s3d() -> dict[str, str]:
    """S3D.features by its position; the pools between have no tensors."""
    return {
        f"features.{position}": f"{stage}.{position - span.start}"
        for stage, span in S3D_STAGES.items()
        for position in span
    }


def _mvit() -> dict[str, str]:
    modules = {"conv_proj": "stem.conv_proj", "pos_encoding": "stem.pos_encoding"}
    first = 0
    for stage, depth in zip(STAGES, MVIT_DEPTHS, strict=True):
        modules |= {f"blocks.{first + i}": f"{stage}.blocks.{i}" for i in range(depth)}
        first += depth
    return {**modules, "norm": "layer4.norm"}


def _swin() -> dict[str, str]:
    """Features alternate stages and patch mergings; a merging begins our next stage."""
    modules = {"patch_embed": "stem.patch_embed", "features.0": "layer1.0"}
    for index, stage in enumerate(STAGES[1:], start=1):
        modules[f"features.{2 * index - 1}"] = f"{stage}.0"
        modules[f"features.{2 * index}"] = f"{stage}.1"
    return {**modules, "norm": "layer4.2"}


_HARA = KeyMap(_resnet())
_IMAGENET = KeyMap(_resnet(), inflate=True)
_S3D = KeyMap(_s3d())

# Backbone -> layout -> map.
KEY_MAPS: dict[str, dict[str, KeyMap]] = {
    "r2plus1d-18": {"torchvision": KeyMap(_same(("stem", *STAGES)))},
    "r2plus1d-10": {"vcop": KeyMap(_vcop(), ("module.", "base_network."))},
    "r2plus1d-10-mosi": {"mosi": KeyMap(_mosi_r2plus1d(), ("module.", "backbone."))},
    "r2d3d-18": {"mosi": KeyMap(_mosi_r2d3d(), ("module.", "backbone."))},
    "r3d-18": {"hara": _HARA, "imagenet": _IMAGENET},
    "r3d-34": {"hara": _HARA, "imagenet": _IMAGENET},
    "slow-r18": {"imagenet": _IMAGENET},
    "slow-r50": {"imagenet": _IMAGENET},
    "s3d": {"torchvision": _S3D},
    "s3d-slow": {"torchvision": _S3D},
    "mvit-v2-s": {"torchvision": KeyMap(_mvit())},
    "swin3d-t": {"torchvision": KeyMap(_swin())},
}
