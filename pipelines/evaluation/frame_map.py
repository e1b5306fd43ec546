"""Frame-mAP of action detection, as AVA's official evaluation computes it.

Shapes
------
G true boxes and D detected ones in a frame, K classes. Boxes are x1, y1, x2, y2, in any one unit.

Per class all detections of all frames are ranked by score. A detection is right if the true box
of its class and frame that it overlaps most has an IoU of at least the threshold and no
higher-ranked detection has taken it. Average precision is the area under the precision envelope
at every recall (Pascal VOC 2010 and later, not COCO's 101 points); classes that no frame shows
do not count. Of equal scores the earlier comes first; the official order there is arbitrary.

Source: get_ava_performance.py and its object_detection_evaluation of the ActivityNet challenge.
It keeps the 50 highest (box, class) pairs of a frame; SlowFast's copy keeps all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

IOU_THRESHOLD = 0.5
MAX_LABELS_PER_FRAME = 50


@dataclass(frozen=True)
class ScoredFrame:
    """One frame.

    Attributes:
        true_boxes: (G, 4).
        is_true: (G, K), which classes each true box shows.
        boxes: (D, 4).
        scores: (D, K).
    """

    true_boxes: FloatArray
    is_true: BoolArray
    boxes: FloatArray
    scores: FloatArray


def frame_average_precisions(
    frames: Sequence[ScoredFrame],
    max_labels_per_frame: int | None = MAX_LABELS_PER_FRAME,
    threshold: float = IOU_THRESHOLD,
) -> FloatArray:
    """Average precision of every class.

    Args:
        frames: All frames that are evaluated, those without detections too.
        max_labels_per_frame: (Box, class) pairs of a frame that count; None for all.
        threshold: Least IoU of a right detection.

    Returns:
        Shape (K,), in 0..1; NaN for a class without a true box.

    Raises:
        ValueError: If there is no frame, or shapes or numbers are not as described.
    """
    if not frames:
        raise ValueError("expected at least one frame to evaluate")
    parts = [_judged(frame, max_labels_per_frame, threshold) for frame in frames]
    classes = np.concatenate([part[0] for part in parts])
    scores = np.concatenate([part[1] for part in parts])
    is_right = np.concatenate([part[2] for part in parts])
    num_true = np.sum([frame.is_true.sum(axis=0) for frame in frames], axis=0)
    return np.array(
        [
            average_precision(scores[classes == k], is_right[classes == k], int(count))
            for k, count in enumerate(num_true)
        ]
    )


def frame_map_percent(
    frames: Sequence[ScoredFrame], max_labels_per_frame: int | None = MAX_LABELS_PER_FRAME
) -> float:
    """Mean of `frame_average_precisions` over the classes that some frame shows, in percent.

    Raises:
        ValueError: If no frame shows any class.
    """
    found = frame_average_precisions(frames, max_labels_per_frame)
    if np.isnan(found).all():
        raise ValueError("no frame has a true box of an evaluated class")
    return 100.0 * float(np.nanmean(found))


def average_precision(scores: FloatArray, is_right: BoolArray, num_true: int) -> float:
    """Area under the envelope of precision over recall.

    Args:
        scores: Of all detections, shape (N,).
        is_right: Which are right, shape (N,).
        num_true: True boxes; NaN is returned where there is none.
    """
    if num_true == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(is_right[order])
    precision = right / np.arange(1, len(order) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(envelope * np.diff(right, prepend=0)) / num_true)


def intersection_over_union(first: FloatArray, second: FloatArray) -> FloatArray:
    """IoU of every pair, (A, 4) and (B, 4) -> (A, B); 0 where neither box has an area."""
    upper = np.maximum(first[:, None, :2], second[None, :, :2])
    lower = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.clip(lower - upper, 0, None), axis=2)
    union = _areas(first)[:, None] + _areas(second)[None] - common
    shares: FloatArray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def _judged(
    frame: ScoredFrame, max_labels: int | None, threshold: float
) -> tuple[NDArray[np.int64], FloatArray, BoolArray]:
    """Class, score and rightness of every (box, class) pair of a frame that counts."""
    _check(frame)
    has_area = (frame.boxes[:, 2:] > frame.boxes[:, :2]).all(axis=1)
    boxes, scores = frame.boxes[has_area], frame.scores[has_area]
    pairs = np.argsort(-scores, axis=None, kind="stable")[:max_labels]
    rows, classes = np.divmod(pairs, frame.scores.shape[1])
    overlaps = intersection_over_union(boxes, frame.true_boxes)
    is_right = np.zeros(len(pairs), dtype=bool)
    for k in np.flatnonzero(frame.is_true.any(axis=0)):
        ours = np.flatnonzero(classes == k)
        is_right[ours] = _matched(overlaps[rows[ours]][:, frame.is_true[:, k]], threshold)
    return classes, scores[rows, classes], is_right


def _matched(overlaps: FloatArray, threshold: float) -> BoolArray:
    """Which detections, ranked, take a true box, from their IoU (D, G) with G > 0."""
    taken: set[int] = set()
    is_right = np.zeros(len(overlaps), dtype=bool)
    for rank, overlap in enumerate(overlaps):
        best = int(overlap.argmax())
        if overlap[best] >= threshold and best not in taken:
            taken.add(best)
            is_right[rank] = True
    return is_right


def _areas(boxes: FloatArray) -> FloatArray:
    areas: FloatArray = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)
    return areas


def _check(frame: ScoredFrame) -> None:
    num_true, num_classes = frame.is_true.shape
    shapes = (frame.true_boxes.shape, frame.boxes.shape, frame.scores.shape)
    expected = ((num_true, 4), (len(frame.boxes), 4), (len(frame.boxes), num_classes))
    if shapes != expected:
        raise ValueError(f"expected true boxes, boxes and scores {expected}, found {shapes}")
    if not (np.isfinite(frame.boxes).all() and np.isfinite(frame.scores).all()):
        raise ValueError("detected boxes or scores are not finite")
