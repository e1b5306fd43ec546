"""Count sketch: a random projection by one signed entry per input (Weinberger et al. 2009).

Input entry i is added, with sign s_i, to output h_i. Inner products are kept in expectation.
Outputs and signs are balanced: h is a row of permutations of all outputs, cut at the input's
size, and half of the signs are negative.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

MAX_SIZE = 32767


@dataclass(frozen=True)
class CountSketch:
    """A drawn sketch.

    Attributes:
        outputs: h, (V,) int16 in [0, size).
        signs: s, (V,) int8, -1 or 1.
        size: S, of the result.
    """

    outputs: NDArray[np.int16]
    signs: NDArray[np.int8]
    size: int

    def apply(self, vector: FloatArray) -> FloatArray:
        """Sketch one vector (V,) into (S,).

        Raises:
            ValueError: If the vector has another size.
        """
        if vector.shape != self.outputs.shape:
            raise ValueError(f"expected a vector {self.outputs.shape}, found {vector.shape}")
        sums = np.bincount(self.outputs, weights=vector * self.signs, minlength=self.size)
        return sums.astype(np.float32)


def draw_sketch(num_inputs: int, size: int, seed: int) -> CountSketch:
    """Draw balanced outputs and signs.

    Args:
        num_inputs: V.
        size: S, at most 32767.
        seed: Of the draw.

    Raises:
        ValueError: If a size is out of range.
    """
    if num_inputs < 1 or not 1 <= size <= MAX_SIZE:
        raise ValueError(
            f"expected at least 1 input and 1 to {MAX_SIZE} outputs, found {num_inputs} and {size}"
        )
    rng = np.random.default_rng(seed)
    rounds = -(-num_inputs // size)
    outputs = np.concatenate([rng.permutation(size) for _ in range(rounds)])[:num_inputs]
    signs = rng.permutation(np.where(np.arange(num_inputs) % 2, 1, -1))
    return CountSketch(outputs.astype(np.int16), signs.astype(np.int8), size)
