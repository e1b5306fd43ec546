import time
import warnings

import cv2
import numpy as np
import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.motion.tvl1 import Tvl1Solver
from pipelines.motion.tvl1_batched import batched_fields, batched_flow, median, resize, warp
from pipelines.motion.tvl1_parameters import Tvl1Parameters
from tests.unit.motion.conftest import (
    DEMO_PARAMETERS,
    PARAMETERS,
    REAL_VIDEOS,
    mean_end_point_error,
    memory_bandwidth,
    moving,
    real_frames,
    textured,
)

NO_GPU = "no GPU in this machine"
# Mean end-point error to the CPU's version, px, as each has to OpenCV: rounding decides whether
# a pair stops an iteration earlier.
AGREEMENT_PX = 0.05


def on_cpu(frames, parameters) -> np.ndarray:
    return np.array(list(Tvl1Solver(frames[0].shape, parameters).fields(frames)))


def assert_agree(found, expected):
    errors = [mean_end_point_error(*pair) for pair in zip(found, expected, strict=True)]
    assert max(errors) < AGREEMENT_PX


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("pattern", REAL_VIDEOS)
def test_agrees_with_the_other_version_on_real_pairs(pattern, parameters):
    frames = real_frames(pattern, (96, 128), 4)

    found = list(batched_fields(frames, parameters, "cpu"))

    assert_agree(found, on_cpu(frames, parameters))


@pytest.mark.parametrize("size", [(8, 8), (15, 40), (33, 47)])
@pytest.mark.parametrize("side", [1, 3, 5])
def test_agrees_at_odd_sizes_and_with_each_median(size, side):
    parameters = Tvl1Parameters(num_warps=2, median_filtering=side)
    frames = moving(size, 3)

    assert_agree(batched_fields(frames, parameters, "cpu"), on_cpu(frames, parameters))


@pytest.mark.parametrize("batch_pairs", [1, 2, 3, 64])
def test_a_pair_does_not_depend_on_its_batch(batch_pairs):
    # A still pair stops at once, a moving one late: stopping one must not touch the other.
    frames = moving((24, 30), 5)
    frames.insert(2, frames[2])

    found = list(batched_fields(frames, DEMO_PARAMETERS, "cpu", batch_pairs))

    whole = batched_flow(torch.from_numpy(np.stack(frames)).float(), DEMO_PARAMETERS)
    assert len(found) == 5
    assert np.abs(found[2]).max() < 1e-3
    np.testing.assert_allclose(found, whole.numpy(), atol=1e-4)


@pytest.mark.parametrize("num_frames", [0, 1])
def test_fewer_than_two_frames_have_no_field(num_frames):
    frames = moving((16, 16), num_frames)

    assert list(batched_fields(frames, DEMO_PARAMETERS, "cpu")) == []


def test_flat_frames_have_no_flow():
    frames = [np.zeros((16, 20), np.uint8)] * 3

    assert not np.array(list(batched_fields(frames, Tvl1Parameters(), "cpu"))).any()


def test_unfit_input_is_refused():
    frames = moving((16, 16), 2)

    with pytest.raises(ConfigError, match="tvl1-opencv"):
        list(batched_fields(frames, Tvl1Parameters(gamma=0.1), "cpu"))
    with pytest.raises(ValueError, match="one shape"):
        list(batched_fields([frames[0], frames[1][1:]], DEMO_PARAMETERS, "cpu"))


@pytest.mark.parametrize("size", [(25, 40), (64, 20), (31, 39)])
def test_resize_samples_where_opencv_does(size):
    image = textured((31, 39))
    ratios = (31 / size[0], 39 / size[1])

    found = resize(torch.from_numpy(image)[None], size, ratios)[0].numpy()

    np.testing.assert_allclose(found, cv2.resize(image, size[::-1]), atol=1e-3)


def test_resize_by_a_factor_keeps_the_factor_when_sizes_are_rounded():
    image = textured((31, 39))

    found = resize(torch.from_numpy(image)[None], (25, 31), (1.25, 1.25))[0].numpy()

    np.testing.assert_allclose(found, cv2.resize(image, None, fx=0.8, fy=0.8), atol=1e-3)


@pytest.mark.parametrize("side", [3, 5])
def test_median_is_opencvs(side):
    image = np.random.default_rng(0).normal(size=(9, 12)).astype(np.float32)

    found = median(torch.from_numpy(image)[None, None], side)[0, 0].numpy()

    np.testing.assert_array_equal(found, cv2.medianBlur(image, side))


def test_warp_is_opencvs_bicubic_with_zeros_outside():
    image = textured((20, 30))
    flow = np.random.default_rng(0).uniform(-3, 3, (2, 20, 30)).astype(np.float32)

    found = warp(torch.from_numpy(image)[None, None], torch.from_numpy(flow)[None])[0, 0]

    y, x = np.mgrid[:20, :30].astype(np.float32)
    expected = cv2.remap(image, x + flow[0], y + flow[1], cv2.INTER_CUBIC)
    np.testing.assert_allclose(found.numpy(), expected, atol=0.002)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_the_gpu_agrees_with_the_cpu(parameters):
    frames = moving((128, 171), 9)

    assert_agree(batched_fields(frames, parameters, "cuda"), on_cpu(frames, parameters))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
@pytest.mark.parametrize("size", [(128, 171), (240, 320)])
def test_pairs_per_second_beside_the_bandwidth_floor(size, record_property):
    frames = torch.from_numpy(np.stack(moving(size, 65))).float().cuda()
    batched_flow(frames, Tvl1Parameters())
    torch.cuda.synchronize()
    started = time.perf_counter()
    batched_flow(frames, Tvl1Parameters())
    torch.cuda.synchronize()
    pairs_per_second = 64 / (time.perf_counter() - started)

    # 10 planes read and 6 written, 4 bytes each, per pixel and iteration; 600 iterations are
    # what real pairs need on all levels together, 10.4 k px of the finest 21.9 k on average.
    bytes_per_second = memory_bandwidth()
    floor = bytes_per_second / (64 * 600 * size[0] * size[1] * 0.475)
    record_property("device", torch.cuda.get_device_name())
    record_property("pairs_per_second", pairs_per_second)
    record_property("pairs_per_second_at_full_bandwidth", floor)
    message = (
        f"{torch.cuda.get_device_name()}, {size[1]} x {size[0]} px: {pairs_per_second:.0f} "
        f"pairs/s; memory at {bytes_per_second / 1e9:.0f} GB/s would allow {floor:.0f}"
    )
    warnings.warn(message, stacklevel=1)
    assert pairs_per_second > 0
