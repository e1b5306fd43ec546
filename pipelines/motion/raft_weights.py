"""Trained RAFT weights: a local file or the library's own download, with a record of what it was.

Files in the naming of the original release (princeton-vl/RAFT: ``module.fnet...``) fit both
libraries; torchvision's are renamed on loading. torchvision's V1 weights "C_T" are the original
"things" weights: trained on FlyingChairs, then on FlyingThings3D.
"""

import hashlib
import json
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from pipelines.io.damage import UNREADABLE
from pipelines.io.errors import ConfigError
from pipelines.motion.ptlflow_import import import_ptlflow

DOWNLOAD_SECONDS = 30.0

_REMEDY = (
    "put raft-things.pth or raft-small.pth of the official release (models.zip, linked from the "
    "GitHub repository princeton-vl/RAFT) or the file that the library could not fetch on this "
    "machine and name it in motion.raft.weights"
)
_LICENCES = {
    "local": "none in the file; the official RAFT release states BSD-3-Clause",
    "ptlflow": "BSD-3-Clause (princeton-vl/RAFT), retrained by ptlflow (Apache-2.0)",
    "torchvision": "BSD-3-Clause (torchvision; ported from princeton-vl/RAFT)",
}

# The original's names, in order, to torchvision's.
_RENAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^fnet\.", "feature_encoder."),
        (r"^cnet\.", "context_encoder."),
        (r"^(\w+_encoder)\.conv1\.", r"\1.convnormrelu.0."),
        (r"^(\w+_encoder)\.norm1\.", r"\1.convnormrelu.1."),
        (r"^(\w+_encoder)\.conv2\.", r"\1.conv."),
        (r"(layer\d\.\d)\.conv(\d)\.", r"\1.convnormrelu\2.0."),
        (r"(layer\d\.\d)\.norm(\d)\.", r"\1.convnormrelu\2.1."),
        (r"update_block\.encoder\.convc(\d)\.", r"update_block.motion_encoder.convcorr\1.0."),
        (r"update_block\.encoder\.convf(\d)\.", r"update_block.motion_encoder.convflow\1.0."),
        (r"update_block\.encoder\.conv\.", "update_block.motion_encoder.conv.0."),
        (r"update_block\.gru\.conv(\w)(\d)\.", r"update_block.recurrent_block.convgru\2.conv\1."),
        (r"update_block\.gru\.conv(\w)\.", r"update_block.recurrent_block.convgru1.conv\1."),
        (r"update_block\.mask\.0\.", "mask_predictor.convrelu.0."),
        (r"update_block\.mask\.2\.", "mask_predictor.conv."),
    )
)


class WeightsRecord(msgspec.Struct, frozen=True):
    """Which weights a run used, as kept in its artifacts.

    Attributes:
        name: File name.
        sha256: Of the file, 64 hexadecimal digits.
        licence: As its source states it.
    """

    name: str
    sha256: str
    licence: str


def record_text(record: WeightsRecord) -> str:
    """A record as JSON, the form in which artifacts keep it."""
    return json.dumps(msgspec.to_builtins(record), sort_keys=True)


def load_weights(
    module: nn.Module, implementation: str, variant: str, path: str | None
) -> WeightsRecord:
    """Fill a network with trained weights.

    Args:
        module: The library's network.
        implementation: "ptlflow" or "torchvision".
        variant: "things" or "small".
        path: Local file; None takes the library's own file, downloaded once into torch's cache.

    Returns:
        What was loaded.

    Raises:
        ConfigError: If there are no weights to be had, the file is damaged or does not fit;
            says what was looked for and where to get it.
    """
    file = Path(path) if path else _library_file(implementation, variant)
    if not file.is_file():
        raise ConfigError(f"motion.raft.weights: {file} is not a file; {_REMEDY}, or write null")
    state = without_prefix(_read(file))
    if implementation == "torchvision":
        state = torchvision_names(state)
    _fill(module, state, file, f"{implementation} RAFT {variant}")
    with file.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return WeightsRecord(file.name, digest, _LICENCES["local" if path else implementation])


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the ``module.`` that data-parallel training puts before every name."""
    return {name.removeprefix("module."): value for name, value in state.items()}


def torchvision_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the original's weights for torchvision; weights named so already stay as they are.

    The large network's strided blocks hold one normalisation under two names, ``norm3`` and
    ``downsample.1``; torchvision has the latter only.
    """
    if not any(name.startswith(("fnet.", "cnet.")) for name in state):
        return dict(state)
    renamed = {}
    for original, value in state.items():
        if ".norm3." not in original:
            name = original
            for pattern, replacement in _RENAMES:
                name = pattern.sub(replacement, name)
            renamed[name] = value
    return renamed


def _fill(module: nn.Module, state: Mapping[str, Tensor], file: Path, network: str) -> None:
    try:
        keys = module.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise ConfigError(f"{file} does not fit {network}: {error}; {_REMEDY}") from error
    # Counters of training steps, which inference does not read.
    missing = [key for key in keys.missing_keys if not key.endswith("num_batches_tracked")]
    if missing or keys.unexpected_keys:
        raise ConfigError(
            f"{file} does not fit {network}: missing {', '.join(missing) or 'nothing'}; "
            f"unexpected {', '.join(keys.unexpected_keys) or 'nothing'}; choose the variant that "
            f"the file was trained as, or {_REMEDY}"
        )


def _read(file: Path) -> dict[str, Tensor]:
    """The state dictionary of a file, also where it stands in a checkpoint's `state_dict`."""
    try:
        content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise ConfigError(
            f"{file} holds no weights that can be read safely ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no message'}); {_REMEDY}"
        ) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise ConfigError(f"{file}: expected tensors by name, found {type(content).__name__}")
    return content


def _library_file(implementation: str, variant: str) -> Path:
    """The library's own weights in torch's cache, downloaded if they are not there."""
    url = library_url(implementation, variant)
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    if file.is_file():
        return file
    # Both libraries write the beginning of the file's SHA-256 into its name.
    digest = re.search(r"-([0-9a-f]{8,})\.", file.name)
    waited = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_SECONDS)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        prefix = digest[1] if digest else None
        torch.hub.download_url_to_file(url, str(file), hash_prefix=prefix, progress=False)
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"RAFT {variant} has no weights: motion.raft.weights is null, {file} is not there and "
            f"{url} could not be fetched ({error}); {_REMEDY}"
        ) from error
    finally:
        socket.setdefaulttimeout(waited)
    return file


def library_url(implementation: str, variant: str) -> str:
    """Where the library publishes its weights trained on FlyingChairs and FlyingThings3D."""
    if implementation == "torchvision":
        from torchvision.models import optical_flow

        weights = {
            "things": optical_flow.Raft_Large_Weights.C_T_V1,
            "small": optical_flow.Raft_Small_Weights.C_T_V1,
        }
        return str(weights[variant].url)
    library = import_ptlflow()
    model = library.get_model_reference("raft_small" if variant == "small" else "raft")
    return str(model.pretrained_checkpoints["things"])
