"""Flow as whole numbers of 1/64 px.

Rounding half to even is symmetric in sign and unbiased, and zero is exactly zero; inside the bound
the error is at most 1/128 px. (The usual 8-bit mapping of [-b, b] to 0..255 has no code for zero.)
"""

import numpy as np
from numpy.typing import NDArray

FlowArray = NDArray[np.float32]
QuantisedArray = NDArray[np.int16]

UNITS_PER_PX = 64
MAX_BOUND_PX = 32767 / UNITS_PER_PX


def quantise(flow: FlowArray, bound_px: float) -> QuantisedArray:
    """Round flow to multiples of 1/64 px, clipped to ``[-bound_px, bound_px]``.

    Args:
        flow: Any shape, px.
        bound_px: Largest stored component, above 0 and at most 511.98 (int16).

    Returns:
        Same shape, units of 1/64 px.

    Raises:
        ValueError: If the flow is not finite or the bound is out of range.
    """
    if not 0 < bound_px <= MAX_BOUND_PX:
        raise ValueError(f"bound_px must be in (0, {MAX_BOUND_PX}], found {bound_px}")
    if not np.isfinite(flow).all():
        raise ValueError("flow has NaN or infinite components")
    limit = np.floor(bound_px * UNITS_PER_PX)
    rounded = np.rint(np.asarray(flow, dtype=np.float32) * np.float32(UNITS_PER_PX))
    return np.asarray(np.clip(rounded, -limit, limit), dtype=np.int16)


def dequantise(quantised: QuantisedArray) -> FlowArray:
    """Turn units of 1/64 px into px; exact in float32."""
    return np.multiply(quantised, np.float32(1 / UNITS_PER_PX), dtype=np.float32)
