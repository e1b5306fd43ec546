"""The ways to compute the flow of a video, by name."""

import itertools
from collections.abc import Callable, Iterable, Iterator

from pipelines.frames.decoding import FrameArray
from pipelines.io.errors import ConfigError
from pipelines.motion.grey_frames import grey
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.tvl1_parameters import (
    FlowArray,
    Tvl1Parameters,
    check_supported,
)

FlowStream = Callable[[Iterable[FrameArray]], Iterator[FlowArray]]
# What computes the flow, and the weights that it uses as JSON (`WeightsRecord`), "" for none.
BuiltFlow = tuple[FlowStream, str]


def build_flow(
    name: str, tvl1: Tvl1Parameters, raft: RaftParameters, device: str = "cpu"
) -> BuiltFlow:
    """Make the function that computes the flow of a video while its frames come.

    Args:
        name: A key of `FLOW_SOURCES`; never replaced by another.
        tvl1: Of the sources tvl1 and tvl1-opencv.
        raft: Of the source raft.
        device: "cpu" or "cuda"; sources that cannot use a GPU ignore it.

    Returns:
        Function of T frames ``(H, W, 3)``, RGB 0..255, giving T - 1 fields ``(2, H, W)``, none
        for one frame: channel 0 rightward, 1 downward, px per frame. With it the weights it uses
        as JSON (`WeightsRecord`), "" for none.

    Raises:
        ConfigError: If the name is unknown, the source cannot do what the parameters say, or its
            weights cannot be had.
    """
    if name not in FLOW_SOURCES:
        raise ConfigError(f"flow source {name!r} is unknown; choices: {', '.join(FLOW_SOURCES)}")
    return FLOW_SOURCES[name](tvl1, raft, device)


# Sources are imported where they are built: numba and torch take seconds to load.
def _build_tvl1(tvl1: Tvl1Parameters, raft: RaftParameters, device: str) -> BuiltFlow:
    del raft
    check_supported(tvl1)
    return _on_gpu(tvl1, device) if device != "cpu" else _on_cpu(tvl1), ""


def _on_cpu(parameters: Tvl1Parameters) -> FlowStream:
    from pipelines.motion.tvl1 import Tvl1Solver

    solvers: dict[tuple[int, ...], Tvl1Solver] = {}

    def flow(frames: Iterable[FrameArray]) -> Iterator[FlowArray]:
        images = map(grey, frames)
        for first in images:
            size = (first.shape[0], first.shape[1])
            if size not in solvers:
                solvers.clear()
                solvers[size] = Tvl1Solver(size, parameters)
            yield from solvers[size].fields(itertools.chain([first], images))

    return flow


def _on_gpu(parameters: Tvl1Parameters, device: str) -> FlowStream:
    from pipelines.motion.tvl1_batched import batched_fields

    def flow(frames: Iterable[FrameArray]) -> Iterator[FlowArray]:
        yield from batched_fields(map(grey, frames), parameters, device)

    return flow


def _build_tvl1_opencv(tvl1: Tvl1Parameters, raft: RaftParameters, device: str) -> BuiltFlow:
    del raft, device
    from pipelines.motion.tvl1_opencv import opencv_flow

    def flow(frames: Iterable[FrameArray]) -> Iterator[FlowArray]:
        for previous, current in itertools.pairwise(map(grey, frames)):
            yield opencv_flow(previous, current, tvl1)

    return flow, ""


def _build_raft(tvl1: Tvl1Parameters, raft: RaftParameters, device: str) -> BuiltFlow:
    del tvl1
    import torch

    from pipelines.motion.raft import build_raft
    from pipelines.motion.raft_weights import record_text

    network, record = build_raft(raft, torch.device(device))

    def flow(frames: Iterable[FrameArray]) -> Iterator[FlowArray]:
        return network.stream(frames, 1)

    return flow, record_text(record)


FLOW_SOURCES: dict[str, Callable[[Tvl1Parameters, RaftParameters, str], BuiltFlow]] = {
    "tvl1": _build_tvl1,
    "tvl1-opencv": _build_tvl1_opencv,
    "raft": _build_raft,
}
