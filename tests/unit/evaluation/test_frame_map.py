import math

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from pipelines.evaluation.frame_map import (
    ScoredFrame,
    average_precision,
    frame_average_precisions,
    frame_map_percent,
    intersection_over_union,
)

LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.5, 0.0, 1.0, 1.0)


def frame(true_boxes, classes, boxes, scores):
    """A frame; `classes` are rows of zeros and ones."""
    num_classes = len((classes or scores)[0])
    return ScoredFrame(
        np.array(true_boxes, float).reshape(-1, 4),
        np.array(classes, bool).reshape(-1, num_classes),
        np.array(boxes, float).reshape(-1, 4),
        np.array(scores, float).reshape(-1, num_classes),
    )


def literal_average_precisions(frames, max_labels, threshold=0.5):
    """The official evaluation, step by step, over plain lists."""
    num_classes = frames[0].is_true.shape[1]
    answer = []
    for k in range(num_classes):
        judged, num_true = [], 0
        for found in frames:
            pairs = [
                (score, box, label)
                for box, row in zip(found.boxes.tolist(), found.scores.tolist(), strict=True)
                for label, score in enumerate(row)
                if box[0] < box[2] and box[1] < box[3]
            ]
            pairs.sort(key=lambda pair: -pair[0])
            truth = [
                b for b, t in zip(found.true_boxes.tolist(), found.is_true, strict=True) if t[k]
            ]
            num_true += len(truth)
            taken = [False] * len(truth)
            for score, box, label in pairs[:max_labels]:
                if label != k:
                    continue
                overlaps = [literal_iou(box, other) for other in truth]
                is_right = False
                if overlaps and max(overlaps) >= threshold:
                    best = overlaps.index(max(overlaps))
                    is_right, taken[best] = not taken[best], True
                judged.append((score, is_right))
        answer.append(literal_area(judged, num_true))
    return answer


def literal_iou(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return common / (sum(areas) - common)


def literal_area(judged, num_true):
    """Sum over recall steps of the highest precision from there on."""
    if num_true == 0:
        return math.nan
    judged.sort(key=lambda pair: -pair[0])
    recall, precision, right = [0.0], [0.0], 0
    for rank, (_, is_right) in enumerate(judged, start=1):
        right += is_right
        recall.append(right / num_true)
        precision.append(right / rank)
    recall.append(1.0)
    precision.append(0.0)
    for place in reversed(range(len(precision) - 1)):
        precision[place] = max(precision[place], precision[place + 1])
    return sum(
        (recall[place] - recall[place - 1]) * precision[place] for place in range(1, len(recall))
    )


def random_frames(seed, num_frames=12, num_classes=4):
    """Detections about the true boxes, some doubled, some astray, some without area."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(num_frames):
        corners = rng.uniform(0, 0.6, (rng.integers(0, 4), 2))
        true_boxes = np.hstack([corners, corners + rng.uniform(0.1, 0.4, corners.shape)])
        nearby = np.repeat(true_boxes, 2, axis=0) + rng.normal(0, 0.05, (2 * len(corners), 4))
        astray = rng.uniform(0, 1, (rng.integers(0, 3), 4))
        boxes = np.vstack([nearby, astray])
        scores = rng.permutation(len(boxes) * num_classes).reshape(-1, num_classes) + rng.uniform()
        frames.append(
            ScoredFrame(true_boxes, rng.random((len(corners), num_classes)) < 0.4, boxes, scores)
        )
    return frames


def test_hand_computed_case():
    # One class, three true boxes. Ranked: right, wrong (no true box), right, wrong (taken), so
    # precision 1, 1/2, 2/3, 2/4 at recall 1/3, 1/3, 2/3, 2/3: (1 + 2/3) / 3 = 5/9.
    frames = [
        frame([LEFT, RIGHT], [[1], [1]], [LEFT, LEFT, (0.6, 0, 1, 1)], [[0.9], [0.2], [0.5]]),
        frame([RIGHT], [[1]], [LEFT], [[0.7]]),
    ]

    assert frame_map_percent(frames) == pytest.approx(100 * 5 / 9)


def test_iou_of_half_is_enough_and_less_is_not():
    truth = [(0.0, 0.0, 1.0, 1.0)]
    half, less = (0.0, 0.0, 0.5, 1.0), (0.0, 0.0, 0.49, 1.0)

    assert frame_map_percent([frame(truth, [[1]], [half], [[0.1]])]) == 100
    assert frame_map_percent([frame(truth, [[1]], [less], [[0.1]])]) == 0


def test_a_detection_whose_best_true_box_is_taken_takes_no_other():
    # COCO's matching would give the second detection the second box, which it overlaps by 0.6.
    truth = [(0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.6, 1.0)]
    boxes = [(0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.9, 1.0)]

    (found,) = frame_average_precisions([frame(truth, [[1], [1]], boxes, [[0.9], [0.8]])])
    assert found == pytest.approx(0.5)


def test_classes_without_a_true_box_do_not_count():
    found = frame([LEFT], [[1, 0]], [LEFT], [[0.1, 0.9]])

    assert np.isnan(frame_average_precisions([found])[1])
    assert frame_map_percent([found]) == 100


def test_a_class_that_is_never_detected_has_none():
    found = frame([LEFT, RIGHT], [[1], [1]], [], [])

    assert frame_average_precisions([found]).tolist() == [0]


def test_only_the_highest_pairs_of_a_frame_count():
    found = frame([LEFT, RIGHT], [[1, 0], [0, 1]], [LEFT, RIGHT], [[0.9, 0.8], [0.7, 0.6]])

    assert frame_average_precisions([found], max_labels_per_frame=None).tolist() == [1, 0.5]
    assert frame_average_precisions([found], max_labels_per_frame=3).tolist() == [1, 0]


@pytest.mark.parametrize("max_labels", [None, 5, 50])
@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_a_literal_loop(seed, max_labels):
    frames = random_frames(seed)

    found = frame_average_precisions(frames, max_labels)
    np.testing.assert_allclose(found, literal_average_precisions(frames, max_labels), rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_area_agrees_with_the_curve_of_scikit_learn(seed):
    # Its average_precision_score has no envelope; its curve has the same points.
    rng = np.random.default_rng(seed)
    is_right, scores = rng.random(40) < 0.4, rng.permutation(40).astype(float)

    precision, recall, _ = precision_recall_curve(is_right, scores)
    envelope = np.maximum.accumulate(precision[:-1])
    area = float(np.sum(envelope * -np.diff(recall)))
    assert average_precision(scores, is_right, int(is_right.sum())) == pytest.approx(area)


def test_the_order_of_frames_and_the_scale_of_scores_do_not_matter():
    frames = random_frames(3)
    # Scores of two frames never tie here.
    frames = [
        ScoredFrame(f.true_boxes, f.is_true, f.boxes, f.scores + place / 100)
        for place, f in enumerate(frames)
    ]
    halved = [ScoredFrame(f.true_boxes, f.is_true, f.boxes, f.scores / 2) for f in frames]

    expected = frame_average_precisions(frames)
    np.testing.assert_array_equal(frame_average_precisions(frames[::-1]), expected)
    np.testing.assert_array_equal(frame_average_precisions(halved), expected)


def test_overlap_of_pairs():
    boxes = np.array([[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 5, 5]])

    np.testing.assert_allclose(
        intersection_over_union(boxes, boxes), [[1, 1 / 7, 0], [1 / 7, 1, 0], [0, 0, 0]]
    )


def test_wrong_input_is_refused():
    good = frame([LEFT], [[1]], [LEFT], [[0.5]])
    with pytest.raises(ValueError, match="at least one frame"):
        frame_average_precisions([])
    with pytest.raises(ValueError, match="found"):
        frame_average_precisions(
            [ScoredFrame(good.true_boxes, good.is_true, good.boxes, np.ones((1, 2)))]
        )
    with pytest.raises(ValueError, match="not finite"):
        frame_average_precisions([frame([LEFT], [[1]], [LEFT], [[math.nan]])])
    with pytest.raises(ValueError, match="no frame has a true box"):
        frame_map_percent([frame([], [], [LEFT], [[0.5]])])
