"""Inner loops of TV-L1 flow, compiled by numba.

Layout
------
A plane of H rows and W columns is a flat float32 array of ``(H + 2) * pitch`` values, where
``pitch > W`` is a multiple of 16: pixel ``(x, y)`` stands at ``(y + 1) * pitch + x`` and
everything else is 0. So every row is a whole number of vectors, the neighbours beyond each
border exist, and no loop has a branch. The padding stays 0 because every term of its update is.

What keeps the loops vectorised (a test looks at the machine code): unsigned indices, which numba
does not wrap around; arguments declared not to overlap, without which LLVM would have to compare
all pairs of them; float32 constants; no value that is carried from pixel to pixel. Without
`fastmath`, on purpose: where sums may be reordered, code just compiled and code from the cache
differ in the last bits, and a first run gives another flow than the second.

All compiled functions stand in this file: numba's cache notices edits of the own file only.
"""

from typing import Any, cast

import numpy as np
from numba.core.compiler import Compiler
from numpy.typing import NDArray

from pipelines.io.compiling import compiled

Plane = NDArray[np.float32]
Image = NDArray[np.float32]

VECTOR = 16  # float32 values of the widest register there is, AVX-512

_FLOAT = np.float32
_INDEX = np.uint64
_TINY = np.float32(1.1920929e-07)  # FLT_EPSILON; gradients below it are none


class _DistinctArguments(Compiler):
    """Declares that array arguments do not overlap; numba has no option for it."""

    def define_pipelines(self) -> list[object]:
        """Set the flag before numba lowers anything."""
        self.state.flags.noalias = True
        return cast(list[object], super().define_pipelines())  # type: ignore[no-untyped-call]


OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
    "pipeline_class": _DistinctArguments,
}

_compiled = compiled(**OPTIONS)


@_compiled
def _update_flow(
    u1: Plane,
    u2: Plane,
    ix: Plane,
    iy: Plane,
    rho: Plane,
    inverse: Plane,
    p11: Plane,
    p12: Plane,
    p21: Plane,
    p22: Plane,
    changes: Plane,
    start: np.uint64,
    pitch: np.uint64,
    bound: np.float32,
    theta: np.float32,
) -> None:
    """One row of u: thresholding and divergence of p; adds the squared change of each column.

    The three cases of the thresholding step (Zach et al. 2007, Eq. 15) are one clamp: its
    middle case, -rho / |g|^2, leaves [-bound, bound] exactly where the other two begin.
    """
    left = _INDEX(1)
    for x in range(pitch):
        i = start + x
        a, b = u1[i], u2[i]
        gx, gy = ix[i], iy[i]
        step = -(rho[i] + gx * a + gy * b) * inverse[i]
        step = min(max(step, -bound), bound)
        new_a = a + step * gx + theta * (p11[i] - p11[i - left] + p12[i] - p12[i - pitch])
        new_b = b + step * gy + theta * (p21[i] - p21[i - left] + p22[i] - p22[i - pitch])
        u1[i] = new_a
        u2[i] = new_b
        changes[x] += (new_a - a) * (new_a - a) + (new_b - b) * (new_b - b)


@_compiled
def _update_dual(
    u1: Plane,
    u2: Plane,
    p11: Plane,
    p12: Plane,
    p21: Plane,
    p22: Plane,
    steps: Plane,
    start: np.uint64,
    pitch: np.uint64,
    down: np.uint64,
    step: np.float32,
) -> None:
    """One row of p (IPOL 2013, Eq. 14), forward differences; none beyond the last column."""
    one = _FLOAT(1)
    right = _INDEX(1)
    for x in range(pitch):
        i = start + x
        a, b = u1[i], u2[i]
        ax, ay = steps[x] * (u1[i + right] - a), step * (u1[i + down] - a)
        bx, by = steps[x] * (u2[i + right] - b), step * (u2[i + down] - b)
        scale_a = one / (one + np.sqrt(ax * ax + ay * ay))
        scale_b = one / (one + np.sqrt(bx * bx + by * by))
        p11[i] = (p11[i] + ax) * scale_a
        p12[i] = (p12[i] + ay) * scale_a
        p21[i] = (p21[i] + bx) * scale_b
        p22[i] = (p22[i] + by) * scale_b


@_compiled
def iterate(
    u1: Plane,
    u2: Plane,
    ix: Plane,
    iy: Plane,
    rho: Plane,
    inverse: Plane,
    p11: Plane,
    p12: Plane,
    p21: Plane,
    p22: Plane,
    steps: Plane,
    num_rows: int,
    bound: np.float32,
    theta: np.float32,
    step: np.float32,
    limit: float,
    max_iterations: int,
) -> tuple[int, float]:
    """Inner iterations, each one sweep over the planes.

    The dual row y - 1 is updated as soon as the flow rows y - 1 and y are, while they are in
    the first cache: 10 planes are read and 6 written once per iteration.

    Args:
        u1: Flow to the right, px; updated. Like all planes laid out as the module says.
        u2: Flow downward, px; updated.
        ix: Horizontal gradient of the warped frame.
        iy: Vertical gradient of the warped frame.
        rho: Residual at u = 0, see `linearise`.
        inverse: Reciprocal of the squared gradient.
        p11: Dual variable of u1, horizontal; updated.
        p12: Dual variable of u1, vertical; updated.
        p21: Dual variable of u2, horizontal; updated.
        p22: Dual variable of u2, vertical; updated.
        steps: ``(pitch,)``, tau / theta where a pixel has a right neighbour, else 0.
        num_rows: H.
        bound: lambda times theta.
        theta: Of the parameters.
        step: tau / theta.
        limit: Stops when the summed squared change is at most this.
        max_iterations: Stops after as many.

    Returns:
        Iterations done and the last one's summed squared change.
    """
    pitch = _INDEX(steps.shape[0])
    rows = _INDEX(num_rows)
    one = _INDEX(1)
    changes = np.empty(steps.shape[0], np.float32)
    change = 0.0
    done = 0
    while done < max_iterations:
        changes[:] = 0
        for y in range(rows):
            start = (y + one) * pitch
            _update_flow(
                *(u1, u2, ix, iy, rho, inverse, p11, p12, p21, p22, changes),
                *(start, pitch, bound, theta),
            )
            if y > _INDEX(0):
                above = start - pitch
                _update_dual(u1, u2, p11, p12, p21, p22, steps, above, pitch, pitch, step)
        last = rows * pitch
        _update_dual(u1, u2, p11, p12, p21, p22, steps, last, pitch, _INDEX(0), step)
        done += 1
        change = 0.0
        for column in changes:
            change += float(column)
        if change <= limit:
            break
    return done, change


@_compiled
def coordinates(u1: Plane, u2: Plane, pitch: int, x_out: Image, y_out: Image) -> None:
    """Where each pixel of the previous frame stands in the current one.

    Args:
        u1: Flow plane to the right, px.
        u2: Flow plane downward, px.
        pitch: Of the planes.
        x_out: ``(H, W)``, filled with columns.
        y_out: ``(H, W)``, filled with rows.
    """
    for y in range(_INDEX(x_out.shape[0])):
        start = (y + _INDEX(1)) * _INDEX(pitch)
        for x in range(_INDEX(x_out.shape[1])):
            x_out[y, x] = u1[start + x] + _FLOAT(x)
            y_out[y, x] = u2[start + x] + _FLOAT(y)


@_compiled
def linearise(
    warped: Image,
    image: Image,
    u1: Plane,
    u2: Plane,
    ix: Plane,
    iy: Plane,
    rho: Plane,
    inverse: Plane,
    pitch: int,
) -> None:
    """Data term around the present flow: I1(x + u0) + (u - u0) . grad I1(x + u0) - I0.

    Args:
        warped: ``(H, W, 3)``: the current frame and its two gradients at the present flow.
        image: ``(H, W)``, the previous frame.
        u1: Present flow to the right, px.
        u2: Present flow downward, px.
        ix: Filled with the horizontal gradient.
        iy: Filled with the vertical gradient.
        rho: Filled with the part of the residual that does not depend on u.
        inverse: Filled with the reciprocal of the squared gradient.
        pitch: Of the planes.
    """
    one = _FLOAT(1)
    for y in range(_INDEX(image.shape[0])):
        start = (y + _INDEX(1)) * _INDEX(pitch)
        for x in range(_INDEX(image.shape[1])):
            i = start + x
            gx, gy = warped[y, x, 1], warped[y, x, 2]
            ix[i] = gx
            iy[i] = gy
            rho[i] = warped[y, x, 0] - gx * u1[i] - gy * u2[i] - image[y, x]
            inverse[i] = one / max(gx * gx + gy * gy, _TINY)


@_compiled
def stack_gradients(image: Image, out: Image) -> None:
    """A frame and its central differences; half of a one-sided difference at the borders.

    Args:
        image: ``(H, W)``, 0..255.
        out: ``(H, W, 3)``, filled with the frame, its horizontal and its vertical gradient.
    """
    height, width = image.shape
    half = _FLOAT(0.5)
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            before, after = max(x - 1, 0), min(x + 1, width - 1)
            out[y, x, 0] = image[y, x]
            out[y, x, 1] = half * (image[y, after] - image[y, before])
            out[y, x, 2] = half * (image[below, x] - image[above, x])
