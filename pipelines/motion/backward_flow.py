"""Flow from a frame back to an earlier one, by the name of its source."""

from collections.abc import Iterable, Iterator

import torch

from pipelines.frames.decoding import FrameArray
from pipelines.io.errors import ConfigError
from pipelines.motion.device import flow_device
from pipelines.motion.edges import BackwardFlow, lagged
from pipelines.motion.flow_quantisation import FlowArray
from pipelines.motion.grey_frames import grey
from pipelines.motion.raft import build_raft
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.raft_weights import record_text
from pipelines.motion.tvl1_parameters import Tvl1Parameters, check_supported

SOURCES = ("raft", "tvl1")


def build_backward_flow(
    name: str, raft: RaftParameters, tvl1: Tvl1Parameters
) -> tuple[BackwardFlow, str]:
    """Make the function that gives a video's flow from each frame t to frame t - gap.

    Args:
        name: One of `SOURCES`; never replaced by another.
        raft: Of the source raft.
        tvl1: Of the source tvl1.

    Returns:
        The function of frames and gap; the weights it uses as JSON (`WeightsRecord`), "" for
        none.

    Raises:
        ConfigError: If the name is unknown or the weights cannot be had.
    """
    if name not in SOURCES:
        raise ConfigError(f"flow source {name!r} is unknown; choices: {', '.join(SOURCES)}")
    return _raft(raft) if name == "raft" else (_tvl1(tvl1), "")


def _raft(parameters: RaftParameters) -> tuple[BackwardFlow, str]:
    raft, record = build_raft(parameters, torch.device(flow_device("raft")))

    def flow(frames: Iterable[FrameArray], gap: int) -> Iterator[FlowArray]:
        return raft.stream(frames, -gap)

    return flow, record_text(record)


def _tvl1(parameters: Tvl1Parameters) -> BackwardFlow:
    check_supported(parameters)
    # numba takes seconds to load, which only this source pays.
    from pipelines.motion.tvl1 import PreparedFrame, Tvl1Solver

    def flow(frames: Iterable[FrameArray], gap: int) -> Iterator[FlowArray]:
        solvers: list[Tvl1Solver] = []

        def prepared() -> Iterator[PreparedFrame]:
            for frame in frames:
                if not solvers:
                    solvers.append(Tvl1Solver((frame.shape[0], frame.shape[1]), parameters))
                yield solvers[0].prepare(grey(frame))

        for earlier, current in lagged(prepared(), gap):
            yield solvers[0].flow(current, earlier)

    return flow
