"""Dual TV-L1 optical flow, the project's own: whole videos streamed on one core.

Conventions
-----------
- Flow is ``(2, H, W)`` float32: channel 0 rightward, channel 1 downward, in px of the stored
  frame per stored frame. A pixel at ``(x, y)`` of the previous frame stands at
  ``(x + flow[0, y, x], y + flow[1, y, x])`` in the current one.
- Frames are greyscale uint8, 0..255.

The algorithm and its parameters are those of OpenCV contrib's DualTVL1 (`tvl1_opencv`), which is
the oracle of the tests. What is different is the work: each frame's pyramid and gradients are
made once and serve as current, then as previous frame; the frame and its gradients are warped
together; one sweep per iteration, see `tvl1_kernel`.

Reference
---------
Zach, Pock and Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007;
Sanchez, Meinhardt-Llopis and Facciolo, "TV-L1 Optical Flow Estimation", IPOL 2013, Algorithm 1.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.motion import tvl1_kernel as kernel
from pipelines.motion.tvl1_parameters import (
    FlowArray,
    GrayArray,
    Tvl1Parameters,
    check_supported,
    checked_frame,
    level_sizes,
)

FloatArray = NDArray[np.float32]


class Planes(NamedTuple):
    """Planes of a level in the order, and with the meaning, of `kernel.iterate`."""

    u1: FloatArray
    u2: FloatArray
    ix: FloatArray
    iy: FloatArray
    rho: FloatArray
    inverse: FloatArray
    p11: FloatArray
    p12: FloatArray
    p21: FloatArray
    p22: FloatArray


class PreparedFrame(NamedTuple):
    """What flow needs of a frame, per level, finest first.

    Attributes:
        images: Each ``(H, W)``, 0..255.
        stacks: Each ``(H, W, 3)``: the image, its horizontal and its vertical gradient.
    """

    images: list[FloatArray]
    stacks: list[FloatArray]


class Tvl1Solver:
    """Computes flow between frames of one size; keeps its buffers.

    Args:
        size: Height and width of the frames, px.
        parameters: Of the solver.

    Raises:
        ConfigError: If the parameters ask for the illumination term.
    """

    def __init__(self, size: tuple[int, int], parameters: Tvl1Parameters) -> None:
        """Reserve the buffers of every level."""
        check_supported(parameters)
        self.size, self._parameters = size, parameters
        self._levels = [_Level(each, parameters) for each in level_sizes(size, parameters)]

    def fields(self, frames: Iterable[GrayArray]) -> Iterator[FlowArray]:
        """Flow from each frame to the next: T - 1 fields ``(2, H, W)`` for T frames.

        Raises:
            ValueError: If a frame is not uint8 or has another size.
        """
        for previous, current in itertools.pairwise(map(self.prepare, frames)):
            yield self.flow(previous, current)

    def prepare(self, frame: GrayArray) -> PreparedFrame:
        """Pyramid and gradients of a frame.

        Raises:
            ValueError: If the frame is not uint8 or has another size.
        """
        images = [checked_frame(frame, self.size).astype(np.float32)]
        step = self._parameters.scale_step
        for _ in self._levels[1:]:
            images.append(_resized(images[-1], step))
        stacks = [np.empty((*image.shape, 3), np.float32) for image in images]
        for image, stack in zip(images, stacks, strict=True):
            kernel.stack_gradients(image, stack)
        return PreparedFrame(images, stacks)

    def flow(self, previous: PreparedFrame, current: PreparedFrame) -> FlowArray:
        """Flow between two prepared frames: ``(2, H, W)``, px per frame."""
        self._levels[-1].clear()
        for number in reversed(range(len(self._levels))):
            level = self._levels[number]
            level.solve(previous.images[number], current.stacks[number])
            if number:
                self._levels[number - 1].start_from(level, 1 / self._parameters.scale_step)
        return np.array(self._levels[0].flow)


class _Level:
    """One pyramid level: its planes, and the loops over warps and medians."""

    def __init__(self, size: tuple[int, int], parameters: Tvl1Parameters) -> None:
        height, width = self._size = size
        self._parameters = parameters
        self._pitch = -(-(width + 1) // kernel.VECTOR) * kernel.VECTOR
        self._planes = _allocate((height + 2) * self._pitch)
        grids = [plane.reshape(height + 2, self._pitch) for plane in self._planes[:2]]
        self.flow = [grid[1:-1, :width] for grid in grids]
        self._step = np.float32(parameters.tau / parameters.theta)
        self._steps = np.zeros(self._pitch, np.float32)
        self._steps[: width - 1] = self._step
        self._limit = parameters.epsilon**2 * height * width
        self._targets = np.empty(size, np.float32), np.empty(size, np.float32)
        self._warped = np.empty((height, width, 3), np.float32)

    def clear(self) -> None:
        """Start from no motion."""
        for component in self.flow:
            component[:] = 0

    def start_from(self, coarser: "_Level", factor: float) -> None:
        """Start from the flow of the next coarser level."""
        height, width = self._size
        for mine, other in zip(self.flow, coarser.flow, strict=True):
            mine[:] = cv2.resize(other, (width, height), interpolation=cv2.INTER_LINEAR)
            mine *= np.float32(factor)

    def solve(self, image: FloatArray, stack: FloatArray) -> None:
        """Improve the flow from a frame's image to the next one's stack."""
        for plane in self._planes[6:]:
            plane[:] = 0
        for _ in range(self._parameters.num_warps):
            self._warp(image, stack)
            self._minimise()

    def _warp(self, image: FloatArray, stack: FloatArray) -> None:
        planes = self._planes
        kernel.coordinates(planes.u1, planes.u2, self._pitch, *self._targets)
        cv2.remap(stack, *self._targets, cv2.INTER_CUBIC, dst=self._warped)
        kernel.linearise(self._warped, image, *planes[:6], self._pitch)

    def _minimise(self) -> None:
        parameters = self._parameters
        bound = np.float32(parameters.lambda_ * parameters.theta)
        for _ in range(parameters.outer_iterations):
            if parameters.median_filtering > 1:
                for component in self.flow:
                    component[:] = cv2.medianBlur(component, parameters.median_filtering)
            _, change = kernel.iterate(
                *self._planes,
                self._steps,
                self._size[0],
                bound,
                np.float32(parameters.theta),
                self._step,
                self._limit,
                parameters.inner_iterations,
            )
            if change <= self._limit:
                break


def _resized(image: FloatArray, factor: float) -> FloatArray:
    smaller = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    return np.asarray(smaller, dtype=np.float32)


def _allocate(length: int) -> Planes:
    """Zeroed planes that begin on a vector, at different places of a memory page.

    Planes that all began at one place of a page would share the same few lines of the first
    cache: 320 x 240 px, where a plane is a whole number of pages, ran three times slower.
    """
    num_planes, page = len(Planes._fields), 1024  # float32 values
    stride = -(-length // page) * page + 5 * kernel.VECTOR
    memory = np.zeros(num_planes * stride + kernel.VECTOR, np.float32)
    skip = -(memory.ctypes.data // memory.itemsize) % kernel.VECTOR
    starts = range(skip, skip + num_planes * stride, stride)
    return Planes(*(memory[start : start + length] for start in starts))
