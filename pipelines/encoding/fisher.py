"""Fisher vectors from the sums of `MixtureStatistics`; power and L2 normalisation.

Shapes
------
N descriptors, D dimensions, K components; a vector has 2KD entries, component by component: D
for its mean, then D for its variance.

Forms
-----
With u = (x - mean_k) / sigma_k, the block of component k, averaged over the descriptors, is

- ``paper``: p(k|x) / sqrt(w_k) * [u, (u^2 - 1) / sqrt(2)], Equations 5 and 6 of Tokmakov et al.,
  "Unsupervised Learning of Video Representations via Dense Trajectory Clustering"; the derivative
  of log p(x) by mean times sigma / sqrt(w), and by sigma times sigma / sqrt(2 w);
- ``official``: p(k|x) * [x - mean_k, sigma_k^2 - (x - mean_k)^2], as the authors' code does:
  not whitened, no weight, the second part's sign turned. The sign changes no distance, the scale
  does.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.encoding.mixture import DiagonalMixture, DoubleArray, Sums
from pipelines.io.errors import ConfigError

FloatArray = NDArray[np.float32]


def _paper(
    first: DoubleArray, second: DoubleArray, s0: DoubleArray, mixture: DiagonalMixture
) -> DoubleArray:
    scale = 1.0 / np.sqrt(mixture.weights)[:, None]
    by_mean = scale * first / np.sqrt(mixture.variances)
    by_variance = scale / np.sqrt(2.0) * (second / mixture.variances - s0[:, None])
    return np.concatenate([by_mean, by_variance], axis=1)


def _official(
    first: DoubleArray, second: DoubleArray, s0: DoubleArray, mixture: DiagonalMixture
) -> DoubleArray:
    return np.concatenate([first, mixture.variances * s0[:, None] - second], axis=1)


FORMS: dict[
    str, Callable[[DoubleArray, DoubleArray, DoubleArray, DiagonalMixture], DoubleArray]
] = {"paper": _paper, "official": _official}


def fisher_vector(sums: Sums, mixture: DiagonalMixture, form: str = "paper") -> DoubleArray:
    """Mean over descriptors of the mixture's gradients.

    Args:
        sums: Statistics of a video's descriptors under `mixture`.
        mixture: The mixture.
        form: A key of `FORMS`, see the module.

    Returns:
        (2KD,), not normalised.

    Raises:
        ConfigError: If the form is unknown.
        ValueError: If there was no descriptor.
    """
    if form not in FORMS:
        raise ConfigError(f"Fisher form {form!r} is unknown; choices: {', '.join(FORMS)}")
    if not sums.num_descriptors:
        raise ValueError("a Fisher vector needs at least one descriptor")
    s0 = sums.s0[:, None]
    first = sums.s1 - s0 * mixture.means
    second = sums.s2 - 2 * mixture.means * sums.s1 + s0 * mixture.means**2
    return FORMS[form](first, second, sums.s0, mixture).ravel() / sums.num_descriptors


def normalise(vector: DoubleArray, power: float) -> FloatArray:
    """Signed power, then unit Euclidean length (Perronnin et al., ECCV 2010).

    Args:
        vector: (V,), finite.
        power: Exponent of the absolute value; 0.5 in the paper, 1 changes nothing.

    Returns:
        (V,) of length 1.

    Raises:
        ValueError: If the vector is all zeros or not finite.
    """
    powered = np.sign(vector) * np.abs(vector) ** power
    length = float(np.linalg.norm(powered))
    if not np.isfinite(length) or length == 0:
        raise ValueError(f"cannot scale a vector of length {length} to 1")
    return np.asarray(powered / length, dtype=np.float32)
