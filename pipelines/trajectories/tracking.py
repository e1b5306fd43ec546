"""Live tracks of one level: they move with the flow and gather their descriptors.

Conventions
-----------
- A point is (x, y) in px of the level; the flow at a point is that of the nearest pixel.
- At each step a track adds the histograms of the patch around its point to one of three
  temporal cells. A patch has 2 x 2 cells and is moved into the image where it would leave it.
- The cells' histograms of one kind are divided by their common sum and square-rooted before
  they are averaged over time (RootSIFT).

Reference: Wang et al., IJCV 2013, sections 3.2 and 3.3; Wang and Schmid, ICCV 2013, section 3.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.io.compiling import compiled
from pipelines.trajectories.histograms import NUM_BINS, UNITS, IntegralArray
from pipelines.trajectories.pyramid import PATCH_PX
from pipelines.trajectories.tracks import LENGTH

FloatArray = NDArray[np.float32]
AgeArray = NDArray[np.int64]

NUM_TEMPORAL_CELLS = 3
CELL_PX = PATCH_PX // 2
NUM_CELLS = 4
# Added to each bin's sum, so that a patch without any motion has a flat histogram.
EPSILON = 0.05
# Bins of HOG, HOF, MBHx and MBHy.
BINS_PER_KIND = np.array([8, 9, 8, 8])

FIRST_CAPACITY = 1024


class FinishedTracks(NamedTuple):
    """Tracks that reached their full length; px of the level.

    Attributes:
        points: Shape ``(N, LENGTH + 1, 2)``.
        steps: Displacements without the camera's motion, ``(N, LENGTH, 2)``.
        histograms: Shape ``(N, 3, 132)``: per temporal cell HOG, HOF, MBHx, MBHy of 4 cells.
    """

    points: FloatArray
    steps: FloatArray
    histograms: FloatArray


class TrackTable:
    """The live tracks of one level, in arrays that grow as needed."""

    def __init__(self) -> None:
        """Start without tracks."""
        self._count = 0
        self._ages = np.zeros(FIRST_CAPACITY, np.int64)
        self._points = np.zeros((FIRST_CAPACITY, LENGTH + 1, 2), np.float32)
        self._steps = np.zeros((FIRST_CAPACITY, LENGTH, 2), np.float32)
        cells = (FIRST_CAPACITY, NUM_TEMPORAL_CELLS, NUM_CELLS * NUM_BINS)
        self._histograms = np.zeros(cells, np.float32)

    def __len__(self) -> int:
        """Number of live tracks."""
        return self._count

    def positions(self) -> FloatArray:
        """Where the live tracks stand, ``(N, 2)``."""
        rows = np.arange(self._count)
        return np.asarray(self._points[rows, self._ages[: self._count]], np.float32)

    def start(self, points: FloatArray) -> None:
        """Add tracks at points ``(N, 2)``."""
        first, last = self._count, self._count + len(points)
        while last > len(self._ages):
            self._double()
        self._ages[first:last] = 0
        self._points[first:last, 0] = points
        self._histograms[first:last] = 0
        self._count = last

    def advance(
        self, field: FloatArray, steady: FloatArray, integral: IntegralArray
    ) -> FinishedTracks:
        """Move every track by one frame and take out those that end.

        Args:
            field: Flow to the next frame ``(H, W, 2)``; it moves the points.
            steady: Flow without the camera's motion; it makes the steps.
            integral: Integral histograms of the frame that the points stand in.

        Returns:
            Tracks that are complete now. Those that left the image are dropped.
        """
        arrays = (self._points, self._steps, self._histograms, self._ages)
        _advance(*arrays, self._count, field, steady, integral, BINS_PER_KIND, CELL_PX, UNITS)
        ages = self._ages[: self._count]
        complete = np.flatnonzero(ages == LENGTH)
        finished = FinishedTracks(*(array[complete] for array in arrays[:3]))
        self._count = _drop_ended(*arrays, self._count)
        return finished

    def _double(self) -> None:
        self._ages = _doubled(self._ages)
        self._points = _doubled(self._points)
        self._steps = _doubled(self._steps)
        self._histograms = _doubled(self._histograms)


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([array, np.zeros_like(array)])


# numba keeps compiled functions until this very file changes: constants of other modules come as
# arguments, or from the shape of an array.
@compiled()
def _advance(
    points: FloatArray,
    steps: FloatArray,
    histograms: FloatArray,
    ages: AgeArray,
    count: int,
    field: FloatArray,
    steady: FloatArray,
    integral: IntegralArray,
    bins: AgeArray,
    cell_px: int,
    units: float,
) -> None:  # pragma: no cover - compiled
    height, width = field.shape[:2]
    patch = np.empty((NUM_CELLS, integral.shape[2]), np.float32)
    steps_per_cell = steps.shape[1] // NUM_TEMPORAL_CELLS
    for i in range(count):
        age = ages[i]
        x, y = points[i, age, 0], points[i, age, 1]
        column = min(max(int(np.floor(x + 0.5)), 0), width - 1)
        row = min(max(int(np.floor(y + 0.5)), 0), height - 1)
        _cells(integral, x, y, cell_px, units, patch)
        _describe(patch, bins, steps_per_cell, histograms[i, age // steps_per_cell])
        steps[i, age] = steady[row, column]
        x, y = x + field[row, column, 0], y + field[row, column, 1]
        points[i, age + 1, 0], points[i, age + 1, 1] = x, y
        ages[i] = age + 1 if 0 < x < width and 0 < y < height else -1


@compiled()
def _cells(
    integral: IntegralArray, x: float, y: float, cell_px: int, units: float, patch: FloatArray
) -> None:  # pragma: no cover - compiled
    """Sums of the 2 x 2 cells around a point, left column first."""
    height, width = integral.shape[0] - 1, integral.shape[1] - 1
    left = min(max(int(np.floor(x - cell_px + 0.5)), 0), width - 2 * cell_px)
    top = min(max(int(np.floor(y - cell_px + 0.5)), 0), height - 2 * cell_px)
    unit = np.float32(1 / units)
    for i in range(2):
        for j in range(2):
            x0, y0 = left + i * cell_px, top + j * cell_px
            a, b = integral[y0, x0], integral[y0, x0 + cell_px]
            c, d = integral[y0 + cell_px, x0], integral[y0 + cell_px, x0 + cell_px]
            for k in range(patch.shape[1]):
                # Whole numbers that wrap around, see pipelines.trajectories.histograms.
                patch[2 * i + j, k] = np.float32(np.uint32(d[k] - b[k] - c[k] + a[k])) * unit


@compiled()
def _describe(
    patch: FloatArray, bins: AgeArray, steps_per_cell: int, histogram: FloatArray
) -> None:  # pragma: no cover - compiled
    """Normalise each kind over its four cells and add it to a temporal cell."""
    first = 0
    place = 0
    for kind in range(len(bins)):
        total = np.float32(0)
        for cell in range(NUM_CELLS):
            for k in range(first, first + bins[kind]):
                total += patch[cell, k] + np.float32(EPSILON)
        for cell in range(NUM_CELLS):
            for k in range(first, first + bins[kind]):
                share = (patch[cell, k] + np.float32(EPSILON)) / total
                histogram[place] += np.sqrt(share) / np.float32(steps_per_cell)
                place += 1
        first += bins[kind]


@compiled()
def _drop_ended(
    points: FloatArray, steps: FloatArray, histograms: FloatArray, ages: AgeArray, count: int
) -> int:  # pragma: no cover - compiled
    """Close the gaps with tracks from the end; returns how many are left."""
    i = 0
    while i < count:
        if 0 <= ages[i] < steps.shape[1]:
            i += 1
            continue
        count -= 1
        if i < count:
            ages[i] = ages[count]
            points[i] = points[count]
            steps[i] = steps[count]
            histograms[i] = histograms[count]
    return count
