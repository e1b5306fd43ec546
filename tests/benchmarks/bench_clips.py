"""From shards to network input."""

from pathlib import Path

import cv2
import h5py
import msgspec
import numpy as np
import torch

from pipelines.clips.batches import StepBatchSampler
from pipelines.clips.clip_dataset import ClipConfig, ClipDataset
from pipelines.clips.pseudo_clips import PseudoMotion
from pipelines.frames.frame_store import FrameStore
from pipelines.pretraining.pretrain_mosi import Options
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.material import demo_frames, preset_value
from tests.benchmarks.stage import run_stage
from tests.literal_mosi import literal_clips

NUM_ITEMS = 100
CLIPS_PER_VIDEO = 2
NUM_PICTURES = 5


def items(folder: Path) -> Contest:
    """Cropped, normalised RGB clips of the demo preset against decoding as many JPEGs."""
    path = demo_frames(folder)
    store = FrameStore([path])
    config = msgspec.convert(preset_value("demo", "clips"), ClipConfig)
    dataset = ClipDataset(
        sorted(store.num_frames), store, None, config, CLIPS_PER_VIDEO, None, train=True
    )
    keys = StepBatchSampler(len(dataset), NUM_ITEMS, 0, 0, 1).batch(0)
    with h5py.File(path) as source:
        offsets, packed = source["jpeg_offsets"][:].tolist(), source["jpeg"][:]
    num_frames = NUM_ITEMS * CLIPS_PER_VIDEO * config.num_frames
    pictures = [
        packed[offsets[row] : offsets[row + 1]]
        for row in np.random.default_rng(0).integers(0, len(offsets) - 1, num_frames).tolist()
    ]

    def ours() -> None:
        for key in keys:
            dataset[key]

    def peer() -> None:
        for picture in pictures:
            cv2.imdecode(picture, cv2.IMREAD_COLOR)

    num_clips = NUM_ITEMS * CLIPS_PER_VIDEO
    return Contest(rate(ours, num_clips), rate(peer, num_clips))


def pseudo_motions(folder: Path) -> Contest:
    """MoSI clips of the demo preset with frame-wise jitter, against making them one by one."""
    del folder
    options = msgspec.convert(preset_value("demo", "pretraining.mosi.options"), Options)
    config = msgspec.structs.replace(options.motion, jitter_per_frame=True)
    clips = msgspec.convert(preset_value("demo", "clips"), ClipConfig)
    motion = PseudoMotion(config, clips, options.colours)
    shape = (NUM_PICTURES, 1, 3, motion.source_px, motion.source_px)
    pictures = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    seeds = list(range(NUM_PICTURES))

    def ours() -> None:
        motion.generate(torch.from_numpy(pictures), seeds)

    def peer() -> None:
        for picture, seed in zip(pictures[:, 0], seeds, strict=True):
            literal_clips(picture, seed, motion)

    num_clips = NUM_PICTURES * motion.num_labels
    return Contest(rate(ours, num_clips), rate(peer, num_clips))


BENCHMARKS = (
    Benchmark(
        name="clips: MoSI's pseudo motions, demo preset, frame-wise jitter",
        peer="a loop over clips and frames with torchvision's jitter",
        unit="clips/s",
        set_up=pseudo_motions,
    ),
    Benchmark(
        name="clips: RGB training clips, demo preset, nothing cached",
        peer="cv2.imdecode of as many frames (physical limit)",
        unit="clips/s",
        set_up=items,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
