import numpy as np
import pytest
from sklearn.svm import LinearSVC

from pipelines.evaluation import vector_classifier
from pipelines.evaluation.vector_classifier import VectorClassifier, as_probabilities
from pipelines.io.errors import DatasetError

CENTRES = np.array([[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0]])


def blobs(labels, seed=0):
    noise = np.random.default_rng(seed).normal(scale=0.3, size=(len(labels), 3))
    return (CENTRES[labels] + noise).astype(np.float32)


def test_margins_are_those_of_one_machine_per_class():
    labels = [0, 1, 2] * 10
    vectors, unseen = blobs(labels), blobs([0, 1, 2, 2], seed=1)

    found = VectorClassifier(vectors, labels, 3, cost=1.0, seed=0).margins(unseen)

    for label in range(3):
        machine = LinearSVC(C=1.0, random_state=0, max_iter=10000)
        machine.fit(vectors.astype(float), np.array(labels) == label)
        np.testing.assert_allclose(
            found[:, label], machine.decision_function(unseen.astype(float)), rtol=1e-6
        )
    assert found.argmax(axis=1).tolist() == [0, 1, 2, 2]


def test_two_classes_of_three_leave_the_third_impossible():
    labels = [0, 2] * 8
    model = VectorClassifier(blobs(labels), labels, 3, cost=1.0, seed=0)

    found = model.margins(blobs([0, 1, 2], seed=1))

    assert np.isneginf(found[:, 1]).all()
    np.testing.assert_array_equal(found[:, 0], -found[:, 2])
    assert found[[0, 2]].argmax(axis=1).tolist() == [0, 2]
    assert (as_probabilities(found)[:, 1] == 0).all()


def test_cost_bounds_the_weights():
    labels = [0, 1] * 10
    weak, strong = (
        VectorClassifier(blobs(labels), labels, 2, cost, 0).margins(blobs([0, 1], 1))
        for cost in (0.001, 100.0)
    )

    assert np.abs(weak).max() < 0.2 < np.abs(strong).min()


def test_probabilities_are_the_softmax():
    found = as_probabilities(np.array([[0.0, np.log(3)], [500.0, 500.0]]))

    np.testing.assert_allclose(found, [[0.25, 0.75], [0.5, 0.5]], rtol=1e-6)


def test_no_convergence_is_said(monkeypatch, caplog):
    monkeypatch.setattr(vector_classifier, "MAX_ITERATIONS", 1)
    labels = [0, 1] * 10
    mixed = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)

    VectorClassifier(mixed, labels, 2, cost=1000.0, seed=0)

    assert "did not converge in 1 iterations" in caplog.text


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="3 vectors, but 2 labels"):
        VectorClassifier(blobs([0, 1, 2]), [0, 1], 3, 1.0, 0)
    with pytest.raises(DatasetError, match=r"the 2 training videos .* are of 1 class"):
        VectorClassifier(blobs([1, 1]), [1, 1], 3, 1.0, 0)
