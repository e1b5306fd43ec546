import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from pipelines.evaluation.metrics import (
    confidence_interval,
    mean_class_percent,
    recall_percent,
    supervised_percent,
    top1_percent,
    top_k_percent,
)

CLASSES = ["a", "b", "c"]
SHARES = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3]], np.float32)


def test_top1_is_a_share_in_percent():
    assert top1_percent(["a", "b", "c"], ["a", "b", "x"]) == pytest.approx(200 / 3)
    assert top1_percent(["a"], ["a"]) == 100.0


def test_top_k_by_hand():
    labels = ["b", "a", "c"]

    assert [top_k_percent(SHARES, CLASSES, labels, k) for k in (1, 2, 3)] == pytest.approx(
        # The third video's b and c are equal: b comes first.
        [0, 100 / 3, 100]
    )
    assert top_k_percent(SHARES, CLASSES, ["a", "b", "other"], 3) == pytest.approx(200 / 3)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_is_that_of_scikit_learn(k):
    rng = np.random.default_rng(0)
    shares, truth = rng.random((40, 8)).astype(np.float32), rng.integers(0, 8, 40)
    names = [f"c{index}" for index in range(8)]

    found = top_k_percent(shares, names, [names[index] for index in truth], k)

    assert found == pytest.approx(
        100 * top_k_accuracy_score(truth, shares, k=k, labels=np.arange(8))
    )


def test_every_class_counts_alike():
    # 3 of 4 runs and no jump: (75 + 0) / 2.
    labels, predicted = ["run"] * 4 + ["jump"], ["run"] * 3 + ["jump", "run"]

    assert mean_class_percent(predicted, labels) == 37.5
    assert mean_class_percent(predicted, labels) == pytest.approx(
        100 * balanced_accuracy_score(labels, predicted)
    )
    assert top1_percent(predicted, labels) == 60.0


def test_recall_by_hand():
    neighbours = [["b", "a", "c"], ["c", "c", "c"], ["a", "b", "b"]]

    assert [recall_percent(neighbours, ["a", "a", "a"], k) for k in (1, 2, 3, 9)] == pytest.approx(
        [100 / 3, 200 / 3, 200 / 3, 200 / 3]
    )


def test_share_of_the_supervised_accuracy():
    # Paper 003, Table 4: 83.0 of 84.4.
    assert supervised_percent(83.0, 84.4) == pytest.approx(98.34, abs=0.01)


def test_interval_by_hand():
    # Mean 2, deviation 1, t(0.975; 2) = 4.3027 over the root of 3.
    found = confidence_interval([1.0, 2.0, 3.0])

    assert found.mean == 2.0
    assert found.half_width == pytest.approx(4.3027 / 3**0.5, abs=1e-4)
    assert confidence_interval([7.0]) == (7.0, None)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_is_that_of_scipy_and_covers_as_often_as_it_says(level):
    rng = np.random.default_rng(0)
    samples = rng.normal(3, 2, (2000, 5))
    found = [confidence_interval(row.tolist(), level) for row in samples]

    low, high = stats.t.interval(level, 4, samples[0].mean(), stats.sem(samples[0]))
    assert found[0].mean + found[0].half_width == pytest.approx(high)
    assert found[0].mean - found[0].half_width == pytest.approx(low)
    covered = np.mean([abs(item.mean - 3) <= item.half_width for item in found])
    assert covered == pytest.approx(level, abs=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top1_percent([], []), "as many predictions as labels"),
        (lambda: top1_percent(["a"], ["a", "b"]), "as many predictions as labels"),
        (lambda: mean_class_percent(["a"], []), "as many predictions as labels"),
        (lambda: top_k_percent(SHARES, CLASSES, ["a"], 1), "as many predictions as labels"),
        (lambda: top_k_percent(SHARES, CLASSES[:2], ["a"] * 3, 1), "3 for 2 classes"),
        (lambda: top_k_percent(SHARES, CLASSES, ["a"] * 3, 0), "found k 0"),
        (lambda: recall_percent([], [], 1), "as many queries as labels"),
        (lambda: recall_percent([["a"]], ["a"], 0), "found 0"),
        (lambda: supervised_percent(50.0, 0.0), "positive supervised"),
        (lambda: confidence_interval([]), "expected values"),
        (lambda: confidence_interval([1.0], 1.0), "level"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
