"""The one smoke run that the tests share, and empty working directories."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from pipelines.io.schema import Section
from tests.workflow.workspace import TIMEOUT_SECONDS, Workspace, copied_code

# One row trains long enough to be killed in the middle, and its rate is its own whatever
# config.yaml says; state is kept at every few steps.
RANDOM: Section = {"schedule": {"length": 150}, "optimizer": {"learning_rate": 0.0017}}
SMOKE: Section = {
    "presets": {"smoke": {"evaluation": {"methods": {"random": RANDOM}}}},
    "compute": {"checkpoint_seconds": 0.1},
}
# A folder of one's own videos as a source; half of them are bad, which this limit lets pass.
MINE: Section = {
    "datasets": {"mine": {"adapter": "folder", "root": "videos", "num_shards": 2}},
    "limits": {"max_skipped_fraction": 0.9},
}
MINE_STAGES = (
    "results/data/mine/manifest.parquet",
    "results/frames/smoke/mine/index.parquet",
    "results/motion/flow/smoke/mine/shard-0000-of-0002.h5",
    "results/motion/flow/smoke/mine/shard-0001-of-0002.h5",
)
GOOD = tuple(f"good{number}" for number in range(6))


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.workflow)
            # A busy machine makes the smoke run many times slower.
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first test to ask for it fills, also where tests run in many processes."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, outcome = base / name, base / f"{name}.outcome"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not outcome.exists():
            outcome.write_text("failed for the first test that asked for it")
            make(folder)
            outcome.write_text("")
    if message := outcome.read_text():
        pytest.fail(f"{name}: {message}")
    return folder


@pytest.fixture
def workspace(tmp_path):
    """Factory `workspace(**overlay)` of an empty working directory."""
    return lambda **overlay: Workspace.create(tmp_path / "work", overlay)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Workspace:
    """The finished smoke target. Only dry runs may happen there; others take a `copy`."""

    def make(folder):
        code = copied_code(folder / "code")
        Workspace.create(folder / "work", SMOKE, code).make("results/smoke_table5.csv")

    folder = once(tmp_path_factory, "smoke", make)
    return Workspace(folder / "work", folder / "code", SMOKE)


@pytest.fixture(scope="session")
def mine(tmp_path_factory, make_video) -> Workspace:
    """Good and bad videos in one folder, taken through data, frames and motion; take a `copy`."""

    def make(folder):
        for seed, name in enumerate(GOOD):
            make_video(folder / "work/videos" / f"{name}.avi", num_frames=8, seed=seed)
        write_bad_videos(folder / "work/videos", make_video)
        code = copied_code(folder / "code")
        Workspace.create(folder / "work", MINE, code).make(*MINE_STAGES)

    folder = once(tmp_path_factory, "mine", make)
    return Workspace(folder / "work", folder / "code", MINE)


def write_bad_videos(folder: Path, make_video: Callable[..., Path]) -> None:
    """Six videos whose name says what is wrong with them."""
    whole = make_video(folder / "truncated.avi", num_frames=40, seed=10).read_bytes()
    (folder / "truncated.avi").write_bytes(whole[: len(whole) * 3 // 4])
    (folder / "empty.avi").write_bytes(b"")
    (folder / "corrupt.avi").write_bytes(b"no video " * 500)
    (folder / "garbage.mp4").write_bytes(whole[::-1])
    make_video(folder / "one-frame.avi", num_frames=1, seed=11)
    zero_packets(make_video(folder / "undecodable.avi", num_frames=40, seed=12))


def zero_packets(path: Path) -> None:
    """Keep a video's container and zero what its packets hold, but for the first one."""
    whole = path.with_name(f"whole-{path.name}")
    path.rename(whole)
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is None:
                continue
            kept = packet if number == 0 else av.Packet(bytes(packet.size))
            kept.pts, kept.dts, kept.time_base = packet.pts, packet.dts, packet.time_base
            kept.stream = stream
            target.mux(kept)
    whole.unlink()
