import numpy as np
import pytest

from pipelines.figures.class_accuracy import confusion, draw_classes, recalls

LABELS = ["a", "a", "b", "b", "b", "c"]
PREDICTED = ["a", "b", "b", "b", "b", "d"]
CLASSES = ["a", "b", "c", "d"]
COUNTS = [[1, 1, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_counts_by_hand():
    assert confusion(LABELS, PREDICTED, CLASSES).tolist() == COUNTS


def test_a_class_without_videos_has_no_recall():
    assert recalls(np.array(COUNTS))[:3].tolist() == [50, 100, 0]
    assert np.isnan(recalls(np.array(COUNTS))[3])


def test_unknown_classes_and_uneven_lists_are_refused():
    with pytest.raises(ValueError, match=r"found \['z'\]"):
        confusion(["z"], ["a"], CLASSES)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        confusion(["a"], [], CLASSES)


def test_classes_stand_from_best_to_worst_in_both_plots():
    bars, matrix, *_ = draw_classes(np.array(COUNTS), CLASSES, "who").axes

    assert [bar.get_width() for bar in bars.patches] == [100, 50, 0, 0]
    assert [t.get_text() for t in bars.get_yticklabels()] == ["b (3)", "a (2)", "c (1)", "d (0)"]
    shares = np.array([[100, 0, 0, 0], [50, 50, 0, 0], [0, 0, 0, 100], [0, 0, 0, 0]])
    assert (matrix.images[0].get_array() == shares).all()
    assert "66.7 % of 6 predictions right" in bars.figure.get_suptitle()
