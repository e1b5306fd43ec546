"""Dual TV-L1 optical flow in torch, many pairs at once: for GPUs.

The algorithm, parameters and conventions of `pipelines.motion.tvl1`, on tensors whose first axis
counts pairs. Each pair stops by its own change: what has stopped is frozen at once, and left out
of the work from the next median filter on. On a CPU this is slower than one pair after the other
(the planes of one pair stay in the cache); it is there to be tested.
"""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipelines.motion.tvl1_parameters import (
    FlowArray,
    GrayArray,
    Tvl1Parameters,
    check_supported,
    checked_frame,
    level_sizes,
)

# Pairs of one video that are solved together. At 320 x 240 px 64 pairs take about 1 GB.
BATCH_PAIRS = 64
# Iterations between two looks at which pairs are still going; a look waits for the GPU.
ITERATIONS_PER_LOOK = 5

_TINY = torch.finfo(torch.float32).eps


def batched_fields(
    frames: Iterable[GrayArray],
    parameters: Tvl1Parameters,
    device: torch.device | str,
    batch_pairs: int = BATCH_PAIRS,
) -> Iterator[FlowArray]:
    """Flow from each frame to the next, some pairs at a time.

    Args:
        frames: T greyscale frames ``(H, W)`` of one size, uint8.
        parameters: Of the solver.
        device: Where to compute.
        batch_pairs: Pairs held at a time.

    Yields:
        T - 1 fields ``(2, H, W)``, rightward and downward px per frame.

    Raises:
        ConfigError: If the parameters ask for the illumination term.
        ValueError: If a frame is not uint8 or has another size than the first.
    """
    check_supported(parameters)
    waiting = iter(frames)
    block = list(itertools.islice(waiting, 1))
    while True:
        new = list(itertools.islice(waiting, batch_pairs))
        if not new:
            return
        block += [checked_frame(frame, block[0].shape) for frame in new]
        images = torch.from_numpy(np.stack(block)).to(device).float()
        yield from batched_flow(images, parameters).cpu().numpy()
        block = block[-1:]


@torch.no_grad()
def batched_flow(frames: Tensor, parameters: Tvl1Parameters) -> Tensor:
    """Flow from each frame to the next.

    Args:
        frames: ``(B + 1, H, W)`` float32, 0..255.
        parameters: Of the solver.

    Returns:
        ``(B, 2, H, W)`` float32; rightward and downward px per frame.
    """
    height, width = int(frames.shape[1]), int(frames.shape[2])
    sizes = level_sizes((height, width), parameters)
    pyramid = [frames]
    for size in sizes[1:]:
        factors = (1 / parameters.scale_step,) * 2
        pyramid.append(resize(pyramid[-1], size, factors))
    flow = frames.new_zeros(len(frames) - 1, 2, *sizes[-1])
    for number in reversed(range(len(sizes))):
        flow = _solve_level(flow, pyramid[number], parameters)
        if number:
            finer = sizes[number - 1]
            ratios = (sizes[number][0] / finer[0], sizes[number][1] / finer[1])
            flow = resize(flow, finer, ratios) / parameters.scale_step
    return flow


def resize(images: Tensor, size: tuple[int, int], ratios: tuple[float, float]) -> Tensor:
    """Bilinear sampling at ``(i + 0.5) * ratio - 0.5``, clamped to the image, as OpenCV's.

    Args:
        images: ``(..., H, W)``.
        size: Rows and columns to make.
        ratios: Source px per target px, downward and rightward.
    """
    for axis, count, ratio in zip((-2, -1), size, ratios, strict=True):
        # float64: a position on the wrong side of a whole number takes other neighbours.
        places = (torch.arange(count, dtype=torch.float64) + 0.5) * ratio - 0.5
        places = places.clamp(0, images.shape[axis] - 1)
        first = places.floor().clamp(max=max(images.shape[axis] - 2, 0))
        shape = (count, 1) if axis == -2 else (count,)
        weight = (places - first).to(images.dtype).reshape(shape).to(images.device)
        lower = first.long().to(images.device)
        upper = (lower + 1).clamp(max=images.shape[axis] - 1)
        before, after = images.index_select(axis, lower), images.index_select(axis, upper)
        images = before + (after - before) * weight
    return images


def median(images: Tensor, side: int) -> Tensor:
    """Median over ``side`` x ``side`` px, borders repeated: ``(..., H, W)``."""
    flat = images.reshape(-1, 1, *images.shape[-2:])
    padded = functional.pad(flat, (side // 2,) * 4, mode="replicate")[:, 0]
    windows = padded.unfold(1, side, 1).unfold(2, side, 1).flatten(-2)
    return windows.median(dim=-1).values.reshape(images.shape)


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """Bicubic sampling (a = -0.75) at pixel plus flow; 0 outside.

    Args:
        images: ``(B, C, H, W)``.
        flow: ``(B, 2, H, W)``, px.
    """
    height, width = images.shape[-2:]
    x = torch.arange(width, device=flow.device) + flow[:, 0]
    y = torch.arange(height, device=flow.device)[:, None] + flow[:, 1]
    # -1 and 1 are the centres of the first and the last pixel.
    grid = torch.stack([x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1], -1)
    return functional.grid_sample(
        images, grid, mode="bicubic", padding_mode="zeros", align_corners=True
    )


def _solve_level(flow: Tensor, frames: Tensor, parameters: Tvl1Parameters) -> Tensor:
    stacks = torch.stack([frames, *_gradients(frames)], dim=1)[1:]
    dual = flow.new_zeros(len(flow), 2, 2, *flow.shape[-2:])
    limit = parameters.epsilon**2 * flow.shape[-2] * flow.shape[-1]
    for _ in range(parameters.num_warps):
        warped = warp(stacks, flow)
        gradient = warped[:, 1:]
        rest = warped[:, 0] - (gradient * flow).sum(1) - frames[:-1]
        inverse = 1 / (gradient * gradient).sum(1).clamp(min=_TINY)
        going = torch.arange(len(flow), device=flow.device)
        for _ in range(parameters.outer_iterations):
            start = flow[going]
            if parameters.median_filtering > 1:
                start = median(start, parameters.median_filtering)
            terms = gradient[going], rest[going], inverse[going]
            flow[going], dual[going], active = _iterate(
                start, dual[going], terms, parameters, limit
            )
            going = going[active]
            if not len(going):
                break
    return flow


def _iterate(
    flow: Tensor,
    dual: Tensor,
    terms: tuple[Tensor, Tensor, Tensor],
    parameters: Tvl1Parameters,
    limit: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Inner iterations; also says which pairs have not stopped yet."""
    gradient, rest, inverse = terms
    bound = parameters.lambda_ * parameters.theta
    step = parameters.tau / parameters.theta
    active = torch.ones(len(flow), dtype=torch.bool, device=flow.device)
    for number in range(parameters.inner_iterations):
        residual = rest + (gradient * flow).sum(1)
        move = (-residual * inverse).clamp(-bound, bound)
        new = flow + move[:, None] * gradient + parameters.theta * _divergence(dual)
        change = ((new - flow) ** 2).sum((1, 2, 3))
        forward = step * _forward_differences(new)
        length = (forward * forward).sum(2, keepdim=True).sqrt()
        keep = active[:, None, None, None]
        flow = torch.where(keep, new, flow)
        dual = torch.where(keep[..., None], (dual + forward) / (1 + length), dual)
        active = active & (change > limit)
        if (number + 1) % ITERATIONS_PER_LOOK == 0 and not active.any():
            break
    return flow, dual, active


def _gradients(images: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical central differences, half of a one-sided one at the borders."""
    padded = functional.pad(images[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    horizontal = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    vertical = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return horizontal / 2, vertical / 2


def _divergence(dual: Tensor) -> Tensor:
    """Backward differences of ``(B, 2, 2, H, W)``, 0 before the first: ``(B, 2, H, W)``."""
    horizontal, vertical = dual[:, :, 0], dual[:, :, 1]
    across = horizontal - functional.pad(horizontal, (1, 0))[..., :-1]
    down = vertical - functional.pad(vertical, (0, 0, 1, 0))[..., :-1, :]
    return across + down


def _forward_differences(flow: Tensor) -> Tensor:
    """``(B, 2, H, W)`` -> ``(B, 2, 2, H, W)``, 0 after the last."""
    across = functional.pad(flow[..., 1:] - flow[..., :-1], (0, 1))
    down = functional.pad(flow[..., 1:, :] - flow[..., :-1, :], (0, 0, 0, 1))
    return torch.stack([across, down], dim=2)
