import itertools
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit, types

from pipelines.clips import colour
from pipelines.clips import colour_kernel as kernel
from pipelines.clips.colour import (
    OPERATIONS,
    ORDERS,
    ColourConfig,
    Colours,
    draw_colours,
    recoloured,
    recoloured_clips,
)

needs_fused = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"),
    reason=f"torch rounds otherwise here: {torch.backends.cpu.get_cpu_capability()}",
)
# Wider than any recipe's, so that values clip at both ends.
WIDE = ColourConfig(1.5, 1.5, 1.5, 0.5, 0.9, 0.3, True)
EVERY_ORDER = np.arange(len(ORDERS))


def rows(count, seed=0, **changes):
    drawn = vars(draw_colours([np.random.default_rng(seed)], WIDE, count))
    return Colours(**drawn | changes)


def pictures(count, size, seed=0):
    """Noise, and in it grey, pure colours, and channels that are equal, nearly equal or tiny."""
    rng = np.random.default_rng(seed)
    frames = rng.random((count, 3, *size), np.float32)
    kind = rng.integers(0, 8, (count, 1, *size))
    frames = np.where(kind == 0, frames[:, :1], frames)
    frames = np.where(kind == 1, np.rint(frames), frames)
    frames = np.where(kind == 2, np.rint(255 * frames) / np.float32(255), frames)
    frames = np.where(kind == 3, np.nextafter(frames[:, :1], np.rint(frames)), frames)
    frames = np.where(kind == 4, frames[:, [0, 1, 1]], frames)
    frames = np.where(kind == 5, frames[:, [0, 0, 2]] * np.float32(1e-38), frames)
    return torch.from_numpy(frames.astype(np.float32))


def assert_same_bits(found, expected):
    assert found.shape == expected.shape
    different = (found.view(torch.int32) != expected.view(torch.int32)).sum().item()
    assert different == 0, f"{different} of {found.numel()} values"


def assert_as_torch(frames, colours, grey_first):
    before = frames.clone()
    found = colour._by_kernel(frames[:, :, None], colours, grey_first)
    assert_same_bits(found, colour._by_torch(frames, colours, grey_first))
    assert torch.equal(frames, before)
    assert found.is_contiguous()


def test_steps_are_the_operations():
    codes = [getattr(kernel, name.upper()) for name in OPERATIONS]

    assert codes == list(range(len(OPERATIONS)))
    assert len({*codes, kernel.GREY, kernel.NOTHING}) == len(codes) + 2
    assert len(OPERATIONS) + 1 == kernel.NUM_STEPS


@needs_fused
@pytest.mark.parametrize("grey_first", [True, False])
@pytest.mark.parametrize("order", EVERY_ORDER)
def test_every_order_gives_torchs_bits(order, grey_first):
    colours = rows(16, int(order), order=np.full(16, order))

    assert_as_torch(pictures(16, (13, 11), int(order)), colours, grey_first)


@needs_fused
@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 30),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 2**32),
    grey_first=st.booleans(),
)
def test_any_batch_gives_torchs_bits(count, size, seed, grey_first):
    assert_as_torch(pictures(count, size, seed), rows(count, seed), grey_first)


@needs_fused
@pytest.mark.parametrize(
    ("count", "size"), [(50, (56, 56)), (7, (112, 111)), (3, (257, 301)), (1, (1, 5)), (0, (4, 4))]
)
def test_frames_of_several_blocks_and_batches_of_several_chunks(count, size):
    assert_as_torch(pictures(count, size), rows(count), True)


@needs_fused
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("amount", [-1.0, -0.5, 0.0, 1e-8, 0.5, 1.0])
def test_extreme_amounts_of_each_operation(name, amount):
    neutral = {each: np.full(24, colour.IDENTITY[each], np.float32) for each in OPERATIONS}
    values = neutral | {name: np.full(24, amount, np.float32)}
    colours = Colours(**values, order=EVERY_ORDER, is_grey=EVERY_ORDER % 3 == 0)

    assert_as_torch(pictures(24, (9, 9)), colours, False)


@needs_fused
def test_the_whole_range_of_hues():
    # Every pixel of a frame has one of 6 x 256 hues, among them those between two sextants.
    angles = np.arange(6 * 256) / 256
    weights = [np.abs(angles - 3) - 1, 2 - np.abs(angles - 2), 2 - np.abs(angles - 4)]
    circle = np.clip(np.stack(weights), 0, 1).astype(np.float32).reshape(3, 48, 32)
    shifts = np.linspace(-1, 1, 97).astype(np.float32)
    colours = rows(97, hue=shifts)

    assert_as_torch(torch.from_numpy(circle).expand(97, -1, -1, -1), colours, False)


@needs_fused
@pytest.mark.parametrize("axes", list(itertools.permutations(range(4))), ids=str)
@pytest.mark.parametrize("step", [1, 2])
def test_frames_that_lie_anyhow_in_memory(axes, step):
    # Torch's mean runs over the pixels as they lie.
    frames, colours = pictures(12, (20, 19)), rows(12)
    back = np.argsort(axes).tolist()
    room = [step * frames.shape[axis] for axis in axes]
    laid = torch.empty(room).permute(back)[(slice(None, None, step),) * 4].copy_(frames)
    by_columns = axes.index(3) < axes.index(2)

    assert colour.suits_kernel(laid, colours) == (not by_columns)
    assert_same_bits(recoloured(laid, colours, True), colour._by_torch(laid, colours, True))


@needs_fused
@pytest.mark.parametrize("shape", [(2, 3), (1, 6), (6, 1)])
@pytest.mark.parametrize("layout", ["clips", "frames", "columns"])
def test_clips_have_torchs_bits_and_strides(shape, layout, monkeypatch):
    frames, colours = pictures(6, (18, 19)), rows(6)
    if layout == "columns":
        frames = frames.transpose(2, 3).contiguous().transpose(2, 3)
    clips = frames.unflatten(0, shape).transpose(1, 2)
    clips = clips.contiguous() if layout == "clips" else clips
    found = recoloured_clips(clips, colours, True)

    monkeypatch.setattr(colour, "suits_kernel", lambda *_: False)
    expected = recoloured_clips(clips, colours, True)

    assert_same_bits(found, expected)
    assert found.stride() == expected.stride()


def test_what_the_kernel_cannot_do_is_left_to_torch(monkeypatch):
    frames, colours = pictures(2, (4, 4)), rows(2)
    far = rows(2, hue=np.array([0.0, 1.5], np.float32))
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert colour.suits_kernel(frames, colours)
    monkeypatch.setattr(colour, "_by_kernel", None)

    assert recoloured(frames.double(), colours, True).dtype == torch.float64
    with torch.no_grad():
        recoloured(frames.clone().requires_grad_(), colours, True)
    assert_same_bits(recoloured(frames, far, True), colour._by_torch(frames, far, True))
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert_same_bits(recoloured(frames, colours, True), colour._by_torch(frames, colours, True))


def test_rows_of_another_precision_are_rounded_first():
    frames, colours = pictures(3, (4, 4)), rows(3)
    finer = {name: getattr(colours, name).astype(np.float64) for name in OPERATIONS}

    found = colour._by_kernel(frames[:, :, None], rows(3, **finer), True)

    assert_same_bits(found, colour._by_kernel(frames[:, :, None], colours, True))


def test_the_fused_sum_is_rounded_once():
    call = njit(lambda a, b, c: kernel.fused_multiply_add(a, b, c))
    a, c = np.float32(1 + 2**-12), np.float32(-1 - 2**-11)

    assert a * a + c == 0
    assert call(a, a, c) == 2**-24


def test_the_loops_are_vectorised():
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"the test knows x86 instructions, this is {platform.machine()}")
    # Only a process that compiles, instead of taking machine code from the cache, has its text.
    plane = types.float32[::1]
    cases = (
        (kernel._turn, (plane, plane, plane, types.float32), "divps"),
        (kernel._saturate, (plane, plane, plane, plane, types.float32), "mulps"),
        (kernel._stretch, (plane, types.float32, types.float32), "mulps"),
        (kernel._normalise, (plane, types.float32, types.float32), "divps"),
        (kernel._interleave, (plane, plane, plane, plane), "shuf|perm|blend|insert"),
    )
    for function, signature, instruction in cases:
        fresh = njit(**kernel.OPTIONS)(function.py_func)
        fresh.compile(signature)
        assert re.search(instruction, fresh.inspect_asm(signature)), function.py_func.__name__


def test_numba_waits_until_colours_are_jittered():
    script = "import sys, pipelines.clips.pseudo_clips; print('numba' in sys.modules)"
    root = Path(__file__).resolve().parents[3]

    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True
    )

    assert answer.stdout.strip() == "False"
