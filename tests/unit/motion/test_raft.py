import itertools
import time
import warnings

import cv2
import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from pipelines.motion.raft import RaftFlow, build_raft, padding_of
from pipelines.motion.raft_networks import STRIDE_PX, RaftNetwork, build_network
from pipelines.motion.raft_parameters import RaftParameters
from tests.unit.motion.conftest import counted_traffic, memory_bandwidth

CPU = torch.device("cpu")


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return (127 + 60 * smooth / smooth.std()).clip(0, 255).astype(np.uint8)


def sliding(num_frames: int, size: tuple[int, int] = (128, 136)) -> list[np.ndarray]:
    """Texture that moves 1 px to the right per frame."""
    wide = texture(size[0], size[1] + num_frames)
    return [wide[:, num_frames - t : num_frames - t + size[1]] for t in range(num_frames)]


class Marked(RaftNetwork):
    """Gives flow that names the two frames: their mean grey level, right and down."""

    def __init__(self) -> None:
        self.module, self.hidden_size = nn.Identity(), 1
        self.num_encoded = 0

    def features(self, images):
        self.num_encoded += len(images)
        return 127.5 * (images[:, :1] + 1)

    def context(self, images):
        return self._level(images)

    @staticmethod
    def _level(images):
        return 127.5 * (images[:, :1] + 1)

    def lookup(self, first, second):
        raise NotImplementedError

    update = upsample = lookup

    def flow(self, first, second, context, num_updates):
        assert torch.equal(first, context)
        return torch.cat([first, second], dim=1)


def numbered(num_frames: int, size: tuple[int, int] = (10, 12)) -> list[np.ndarray]:
    return [np.full((*size, 3), t, np.uint8) for t in range(num_frames)]


@pytest.mark.parametrize("batch_pairs", [1, 3, 8])
@pytest.mark.parametrize("offset", [-5, -1, 1, 3])
@pytest.mark.parametrize("num_frames", [0, 1, 2, 5, 6, 13])
def test_pairs_are_aligned_and_each_frame_is_encoded_once(num_frames, offset, batch_pairs):
    network = Marked()
    raft = RaftFlow(network, RaftParameters(batch_pairs=batch_pairs), CPU)

    flows = list(raft.stream(numbered(num_frames), offset))

    gap = abs(offset)
    firsts = range(gap, num_frames) if offset < 0 else range(max(0, num_frames - gap))
    assert len(flows) == max(0, num_frames - gap)
    for flow, first in zip(flows, firsts, strict=True):
        assert flow.shape == (2, 10, 12)
        assert flow.dtype == np.float32
        np.testing.assert_allclose(flow[0], first, atol=1e-4)
        np.testing.assert_allclose(flow[1], first + offset, atol=1e-4)
    assert network.num_encoded == num_frames


def test_frames_are_taken_as_they_come():
    # A stream of any length holds few frames.
    taken = []

    def frames():
        for t in itertools.count():
            taken.append(t)
            yield np.zeros((8, 8, 3), np.uint8)

    raft = RaftFlow(Marked(), RaftParameters(batch_pairs=2), CPU)
    flows = raft.stream(frames(), -3)
    next(flows)

    assert len(taken) == 4


def test_no_offset_is_refused():
    raft = RaftFlow(Marked(), RaftParameters(), CPU)
    with pytest.raises(ValueError, match="offset"):
        next(raft.stream(numbered(2), 0))


@pytest.mark.parametrize("size", [(8, 8), (127, 129), (128, 128), (256, 341), (333, 240)])
def test_padding_reaches_a_multiple_of_eight_and_the_least_size(size):
    left, right, top, bottom = padding_of(*size)
    padded = (size[0] + top + bottom, size[1] + left + right)

    for side, whole in zip(size, padded, strict=True):
        assert whole % 8 == 0
        assert whole == max(128, -(-side // 8) * 8)
    assert 0 <= right - left <= 1
    assert 0 <= bottom - top <= 1


def test_resized_frames_give_flow_in_their_own_pixels():
    class Ones(Marked):
        def flow(self, first, second, context, num_updates):
            assert first.shape[-2:] == (128, 256)
            return torch.ones(len(first), 2, 128, 256)

    raft = RaftFlow(Ones(), RaftParameters(short_side_px=128), CPU)

    [flow] = raft.stream(numbered(2, (32, 64)), -1)

    # Four times larger frames: one px there is a quarter of a px here.
    np.testing.assert_allclose(flow, np.full((2, 32, 64), 0.25), atol=1e-6)


def end_point_error(flow: np.ndarray, truth: np.ndarray, known: np.ndarray) -> float:
    return float(np.hypot(*(flow - truth))[known].mean())


@pytest.mark.parametrize("implementation", ["ptlflow", "torchvision"])
def test_small_weights_reach_their_error_on_rubber_whale(shared_data, implementation):
    weights = shared_data / "weights" / "raft-small.pth"
    frames = [
        cv2.cvtColor(
            cv2.imread(str(shared_data / "flow" / f"rubberwhale{n}.png")), cv2.COLOR_BGR2RGB
        )
        for n in (1, 2)
    ]
    truth = cv2.readOpticalFlow(str(shared_data / "flow" / "rubberwhale.flo")).transpose(2, 0, 1)
    known = (np.abs(truth) < 1e9).all(axis=0)
    parameters = RaftParameters(implementation, "small", 20, weights=str(weights))
    raft, record = build_raft(parameters, CPU)

    [forward] = raft.stream(frames, 1)
    [backward] = raft.stream(frames[::-1], -1)

    # 0.320 px by both.
    assert end_point_error(forward, truth, known) <= 0.35
    np.testing.assert_array_equal(backward, forward)
    assert (record.name, len(record.sha256)) == ("raft-small.pth", 64)


@pytest.mark.parametrize("variant", ["things", "small"])
@pytest.mark.parametrize("implementation", ["ptlflow", "torchvision"])
def test_the_cached_path_gives_what_the_library_gives(implementation, variant):
    torch.manual_seed(0)
    network = build_network(implementation, variant)
    frames = sliding(4)
    raft = RaftFlow(network, RaftParameters(num_updates=3, batch_pairs=2), CPU)

    found = list(raft.stream(frames, -2))

    for flow, t in zip(found, (2, 3), strict=True):
        expected = library_flow(implementation, network.module, frames[t], frames[t - 2])
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(flow, expected, atol=2e-3 * np.abs(expected).max())


def library_flow(implementation, module, first, second) -> np.ndarray:
    """Three updates by the library's own forward pass."""
    images = torch.from_numpy(np.stack([first, second])).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        if implementation == "torchvision":
            return module(2 * images[:1] - 1, 2 * images[1:] - 1, 3)[-1][0].numpy()
        module.iters = 3
        # ptlflow takes BGR.
        return module({"images": images.flip(1)[None]})["flows"][0, 0].numpy()


def test_traffic_is_counted_per_innermost_layer():
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Sequential(nn.ReLU()))

    with counted_traffic(layers) as traffic:
        layers(torch.zeros(2, 3, 4, 5))
    layers(torch.zeros(2, 3, 4, 5))

    assert traffic == [2 * (3 + 8) * 20 * 4, 2 * (8 + 8) * 20 * 4]


def bytes_per_pair(network: RaftNetwork, parameters: RaftParameters, size, device) -> int:
    """Memory that one more pair of a video reads and writes at the least.

    What layers take and give, and the all-pairs correlations of four levels, written once. Not
    counted: weights, which a batch shares, looking correlations up, and sums between layers.
    """
    raft = RaftFlow(network, msgspec.structs.replace(parameters, batch_pairs=1), device)
    totals = []
    for num_frames in (2, 3):
        with counted_traffic(network.module) as traffic:
            list(raft.stream(sliding(num_frames, size), 1))
        totals.append(sum(traffic))
    num_cells = size[0] // STRIDE_PX * (size[1] // STRIDE_PX)
    return totals[1] - totals[0] + int(4 * num_cells**2 * (1 + 1 / 4 + 1 / 16 + 1 / 64))


def test_a_pair_moves_at_least_its_correlations_and_its_updates():
    torch.manual_seed(0)
    network = build_network("torchvision", "small")
    size = (128, 128)

    one, two = (
        bytes_per_pair(network, RaftParameters("torchvision", "small", n), size, CPU)
        for n in (1, 2)
    )

    # The first layer of an update reads 4 levels of 7 x 7 correlations in each of 256 cells.
    assert one > 4 * 256**2 * 1.328
    assert two - one > 4 * 256 * (4 * 49 + 96)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU in this machine")
def test_the_gpu_agrees_with_the_cpu(shared_data):
    weights = str(shared_data / "weights" / "raft-small.pth")
    frames = sliding(9, (256, 344))
    flows = {}
    for name, batch in (("cpu", 1), ("cuda", 32)):
        parameters = RaftParameters("torchvision", "small", 20, weights=weights, batch_pairs=batch)
        raft, _ = build_raft(parameters, torch.device(name))
        flows[name] = np.stack(list(raft.stream(frames, -5)))

    assert np.hypot(*(flows["cuda"] - flows["cpu"]).transpose(1, 0, 2, 3)).mean() < 0.05


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU in this machine")
@pytest.mark.parametrize("variant", ["things", "small"])
def test_pairs_per_second_beside_the_bandwidth_floor(variant, record_property):
    # What weights hold does not change how long they take.
    torch.manual_seed(0)
    network = build_network("torchvision", variant)
    parameters = RaftParameters("torchvision", variant, 20, batch_pairs=32)
    size, device = (256, 344), torch.device("cuda")
    raft, frames = RaftFlow(network, parameters, device), sliding(65, size)
    list(raft.stream(frames, 1))
    started = time.perf_counter()
    num_pairs = len(list(raft.stream(frames, 1)))
    pairs_per_second = num_pairs / (time.perf_counter() - started)

    bandwidth = memory_bandwidth()
    floor = bandwidth / bytes_per_pair(network, parameters, size, device)
    record_property("device", torch.cuda.get_device_name())
    record_property("pairs_per_second", pairs_per_second)
    record_property("pairs_per_second_at_full_bandwidth", floor)
    message = (
        f"{torch.cuda.get_device_name()}, RAFT {variant}, {size[1]} x {size[0]} px, 20 updates: "
        f"{pairs_per_second:.1f} pairs/s; memory at {bandwidth / 1e9:.0f} GB/s would allow "
        f"{floor:.0f}"
    )
    warnings.warn(message, stacklevel=1)
    assert num_pairs == 64
