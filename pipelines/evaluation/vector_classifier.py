"""A linear support vector machine on one vector per video.

Shapes: V videos, S entries of a vector, K classes.

Wang and Schmid, "Action Recognition with Improved Trajectories", ICCV 2013, classify Fisher
vectors with linear SVMs, one class against the rest, C = 100; paper 003's row "IDT" is theirs.
Solver and loss are scikit-learn's (liblinear, squared hinge), theirs are not stated.
"""

import logging
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from pipelines.io.errors import DatasetError

FloatArray = NDArray[np.float32]

MAX_ITERATIONS = 10000

log = logging.getLogger(__name__)


class VectorClassifier:
    """One-against-rest linear SVM over K classes, of which training may lack some.

    Args:
        vectors: (V, S), of the training videos.
        labels: V classes in [0, K).
        num_classes: K.
        cost: C, above 0.
        seed: Of the solver's order.

    Raises:
        ValueError: If the lengths differ.
        DatasetError: If there are fewer than two classes to tell apart.
    """

    def __init__(
        self,
        vectors: FloatArray,
        labels: Sequence[int],
        num_classes: int,
        cost: float,
        seed: int,
    ) -> None:
        """Fit."""
        if len(vectors) != len(labels):
            raise ValueError(f"{len(vectors)} vectors, but {len(labels)} labels")
        if len(set(labels)) < 2:
            raise DatasetError(
                f"the {len(labels)} training videos with a vector are of {len(set(labels))} class; "
                "expected two or more, look into the skipped tables beside the vectors"
            )
        self.num_classes = num_classes
        model = LinearSVC(C=cost, random_state=seed, max_iter=MAX_ITERATIONS)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(vectors.astype(np.float64), np.asarray(labels))
        if found:
            log.warning("the SVM did not converge in %d iterations", MAX_ITERATIONS)
        self._model = model

    def margins(self, vectors: FloatArray) -> NDArray[np.float64]:
        """Decision values (V, K); minus infinity for a class without a training video."""
        known = np.asarray(self._model.decision_function(vectors.astype(np.float64)))
        if known.ndim == 1:
            # Of two classes there is one value, which is the second's.
            known = np.stack([-known, known], axis=1)
        result = np.full((len(vectors), self.num_classes), -np.inf)
        result[:, self._model.classes_] = known
        return result


def as_probabilities(margins: NDArray[np.float64]) -> FloatArray:
    """Softmax of decision values (V, K): positive, sum 1, in the margins' order, not calibrated."""
    weights = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
