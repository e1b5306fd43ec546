"""Action detection: annotated frames from boxes, and what a detector learns from them.

Shapes
------
B clips in a batch, M boxes of a frame (padded), K classes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipelines.clips.key_frames import KeyFrame
from pipelines.data.action_boxes import ActionBox
from pipelines.data.manifest import read_manifest
from pipelines.data.splits import hold_out, videos_in_role
from pipelines.io.errors import DatasetError
from pipelines.models.box_head import box_logits
from pipelines.models.heads import Classifier
from pipelines.training.clip_sources import ClipSource
from pipelines.training.tasks import Batch, Task


@dataclass(frozen=True)
class AnnotatedFrames:
    """The annotated frames of one split.

    Attributes:
        classes: Every action of the split's training and test frames, sorted.
        evaluated: Those that the official evaluation covers.
        train: Frames to train on.
        validation: Frames of the films that are held out, maybe none.
        test: Frames to test on.
    """

    classes: tuple[str, ...]
    evaluated: frozenset[str]
    train: list[KeyFrame]
    validation: list[KeyFrame]
    test: list[KeyFrame]


class ActionDetection(Task):
    """Sigmoid of every class for every person, binary cross-entropy, mean over both.

    SlowFast takes the mean over the boxes of the whole batch, as here.
    """

    def __init__(self, model: Classifier) -> None:
        """Wrap a classifier whose classes are the actions."""
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss of a batch of `pipelines.clips.key_frames`."""
        return {"loss": self._losses(batch).mean()}

    def score(self, batch: Batch) -> Tensor:
        """Negative loss of every box, (number of boxes,)."""
        return -self._losses(batch).mean(dim=1)

    def _losses(self, batch: Batch) -> Tensor:
        """(number of boxes, K); of a batch without any box, zeros, so that nothing is learned."""
        clip, place = batch["is_box"].nonzero(as_tuple=True)
        is_empty = not len(clip)
        if is_empty:
            clip = place = torch.zeros(1, dtype=torch.int64, device=batch["rgb"].device)
        logits = box_logits(self.model, batch["rgb"], batch["boxes"][clip, place], clip).float()
        losses = functional.binary_cross_entropy_with_logits(
            logits, batch["actions"][clip, place], reduction="none"
        )
        return losses * 0 if is_empty else losses


def annotated_frames(
    boxes: Sequence[ActionBox],
    manifest: Path,
    split: str,
    source: ClipSource,
    fraction: float,
    seed: int,
) -> AnnotatedFrames:
    """Put the boxes of a split together, frame by frame.

    Args:
        boxes: Of the whole dataset.
        manifest: Who is in the split.
        split: Its name.
        source: Only its videos are used.
        fraction: Share of the training films to hold out.
        seed: Of the hold-out.

    Raises:
        DatasetError: If no training or no test frame is left.
    """
    everyone = read_manifest(manifest, "select_split")
    videos = [video for video in everyone if video.video_id in source.num_frames]
    kept, held = hold_out(videos_in_role(videos, split, ["train"]), fraction, seed)
    parts = (kept, held, videos_in_role(videos, split, ["test"]))
    ids = [{video.video_id for video in part} for part in parts]
    used = [box for box in boxes if any(box.video_id in part for part in ids)]
    classes = tuple(sorted({box.action for box in used}))
    train, validation, test = (
        key_frames((box for box in used if box.video_id in part), classes) for part in ids
    )
    for name, found in (("training", train), ("test", test)):
        if not found:
            raise DatasetError(f"{manifest}: split {split} has no annotated {name} frame")
    evaluated = frozenset(box.action for box in used if box.is_evaluated)
    return AnnotatedFrames(classes, evaluated, train, validation, test)


def key_frames(boxes: Iterable[ActionBox], classes: Sequence[str]) -> list[KeyFrame]:
    """Boxes by frame, by video and time; all actions of one person's box are one row.

    Args:
        boxes: In any order.
        classes: K names; every action is one of them.
    """
    position = {name: index for index, name in enumerate(classes)}
    people: dict[tuple[str, int, float], dict[tuple[float, ...], set[int]]] = defaultdict(dict)
    for box in boxes:
        frame = people[(box.video_id, box.timestamp, box.at_seconds)]
        person = (box.x1, box.y1, box.x2, box.y2, box.person_id)
        frame.setdefault(person, set()).add(position[box.action])
    found = []
    for (video_id, timestamp, at_seconds), persons in sorted(people.items()):
        actions = np.zeros((len(persons), len(classes)), dtype=bool)
        for row, done in enumerate(persons.values()):
            actions[row, list(done)] = True
        corners = np.array([person[:4] for person in persons], dtype=np.float64)
        found.append(KeyFrame(video_id, timestamp, at_seconds, corners, actions))
    return found
