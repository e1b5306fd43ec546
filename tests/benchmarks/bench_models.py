"""The networks and their files."""

from pathlib import Path

import torch
from torchvision.models.video import r2plus1d_18

from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_model, save_model
from tests.benchmarks.contest import Benchmark, Contest, rate, timed
from tests.benchmarks.stage import run_stage

NUM_CLASSES = 101
# Smaller than the paper's 16 frames of 112 px, so that a repetition takes about a second.
CLIP_SHAPE = (2, 3, 8, 56, 56)


def forward(folder: Path) -> Contest:
    """R(2+1)D-18 as we assemble it against torchvision's."""
    del folder
    clips = torch.randn(CLIP_SHAPE, generator=torch.Generator().manual_seed(0))
    model = build_classifier("r2plus1d-18", NUM_CHANNELS["rgb"], NUM_CLASSES, 0.0, 0).eval()
    theirs = r2plus1d_18(num_classes=NUM_CLASSES).eval()

    @torch.inference_mode()
    def ours() -> None:
        model(clips)

    @torch.inference_mode()
    def peer() -> None:
        theirs(clips)

    return Contest(rate(ours, len(clips)), rate(peer, len(clips)))


def loading(folder: Path) -> Contest:
    """A checked model file against torch.load of the same file."""
    path = folder / "model.pt"
    model = build_classifier("r2plus1d-18", NUM_CHANNELS["rgb"], NUM_CLASSES, 0.0, 0)
    save_model(path, ModelMeta("r2plus1d-18", "rgb", NUM_CLASSES), model.state_dict(), {})
    return Contest(
        timed(lambda: load_model(path, "benchmark")),
        timed(lambda: torch.load(path, map_location="cpu", weights_only=True)),
    )


BENCHMARKS = (
    Benchmark(
        name="models: R(2+1)D-18 forward",
        peer="torchvision r2plus1d_18",
        unit="clips/s",
        set_up=forward,
        target=0.95,
    ),
    Benchmark(
        name="models: load a checked R(2+1)D-18 file",
        peer="torch.load without a digest",
        unit="s",
        set_up=loading,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
