"""Trained weights on disk: `model.pt` holds tensors, what they are, and a digest of both.

Format version 1, a `torch.save` dictionary readable with `weights_only=True`:
    artifact "model", version 1,
    meta: JSON text of `ModelMeta`,
    stamp: JSON text of the provenance,
    state: the classifier's state dict (CPU, default memory format),
    digest: sha256 over meta, stamp and every tensor's name, type, shape and bytes.
The same weights, meta and stamp give the same bytes.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from pipelines.io.atomic import write_bytes
from pipelines.io.damage import UNREADABLE
from pipelines.io.errors import ContractError
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import Classifier, build_classifier

ARTIFACT = "model"
VERSION = 1


class ModelMeta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the tensors of a model are.

    Attributes:
        backbone: Name in `pipelines.models.backbones.BACKBONES`.
        modality: Input, "rgb" or "flow".
        num_classes: Outputs of the classifier; 0 for a backbone alone.
        dropout: Before the classifier, in training.
        classes: Class names by output, empty where outputs are clusters.
        notes: Anything else worth keeping, such as the validation score.
    """

    backbone: str
    modality: str
    num_classes: int
    dropout: float = 0.0
    classes: tuple[str, ...] = ()
    notes: dict[str, str] = {}


@dataclass(frozen=True)
class StoredModel:
    """Content of one `model.pt`."""

    meta: ModelMeta
    state: dict[str, torch.Tensor]
    stamp: dict[str, str]


def save_model(
    path: Path, meta: ModelMeta, state: Mapping[str, torch.Tensor], stamp: Mapping[str, str]
) -> None:
    """Write a model; the file appears whole or not at all.

    Args:
        path: The file.
        meta: What the tensors are.
        state: State dict of a `Classifier`.
        stamp: Provenance, see `pipelines.io.provenance.stamp`.
    """
    texts = {"meta": msgspec.json.encode(meta).decode(), "stamp": json.dumps(dict(stamp))}
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    content = {"artifact": ARTIFACT, "version": VERSION, **texts, "state": tensors}
    content["digest"] = _digest(texts["meta"], texts["stamp"], tensors)
    # From memory: torch.save would write a path's own name into the archive.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_model(path: Path, rule: str) -> StoredModel:
    """Read a model and verify its digest.

    Args:
        path: The file.
        rule: Rule that makes it, named in errors.

    Raises:
        ContractError: If the file is missing, damaged or not a model of this version.
    """
    if not path.is_file():
        raise ContractError(f"{path} is missing; rule {rule} makes it")
    remedy = f"remove it and run the same command again, rule {rule} remakes it"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise ContractError(f"{path} is damaged ({type(error).__name__}); {remedy}") from error
    found = _identity(content)
    if found != (ARTIFACT, VERSION):
        raise ContractError(
            f"{path}: expected {ARTIFACT} version {VERSION}, found {found[0]} version {found[1]}; "
            f"{remedy}"
        )
    return _checked(content, path, remedy)


def load_classifier(path: Path, rule: str) -> tuple[Classifier, ModelMeta]:
    """Read a model and rebuild its classifier on CPU, in evaluation mode.

    Args:
        path: The file.
        rule: Rule that makes it, named in errors.

    Raises:
        ContractError: As `load_model`.
    """
    stored = load_model(path, rule)
    meta = stored.meta
    channels = NUM_CHANNELS[meta.modality]
    model = build_classifier(meta.backbone, channels, meta.num_classes, meta.dropout, seed=0)
    model.load_state_dict(stored.state)
    model.eval()
    return model, meta


def _identity(content: Any) -> tuple[Any, Any]:  # noqa: ANN401 - whatever the file held
    if not isinstance(content, dict):
        return type(content).__name__, None
    return content.get("artifact"), content.get("version")


def _checked(content: dict[str, Any], path: Path, remedy: str) -> StoredModel:
    try:
        digest = _digest(content["meta"], content["stamp"], content["state"])
        if digest != content["digest"]:
            raise ContractError(
                f"{path} is damaged: its content has digest {digest[:12]}, expected "
                f"{content['digest'][:12]}; {remedy}"
            )
        meta = msgspec.json.decode(content["meta"], type=ModelMeta)
        return StoredModel(meta, content["state"], json.loads(content["stamp"]))
    except UNREADABLE as error:
        raise ContractError(f"{path} is damaged ({type(error).__name__}); {remedy}") from error


def _digest(meta: str, stamp: str, state: Mapping[str, torch.Tensor]) -> str:
    content = hashlib.sha256(f"{meta}\n{stamp}\n".encode())
    for name in sorted(state):
        tensor = state[name].contiguous()
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        content.update(tensor.flatten().view(torch.uint8).numpy().data)
    return content.hexdigest()
