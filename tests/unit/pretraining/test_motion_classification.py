import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.colour import ColourConfig
from pipelines.clips.pseudo_clips import PseudoMotion
from pipelines.clips.pseudo_motion import PseudoMotionConfig
from pipelines.models.heads import build_classifier
from pipelines.pretraining.motion_classification import MotionClassification, sample_seeds

CLIPS = ClipConfig(4, 1, 12, False, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1.0)
MOTION = PseudoMotionConfig(1, "xy", 16, None, (0.5, 0.9), True, False, False, "none")
COLOURS = ColourConfig(0.5, 0.5, 0.5, 0.25, 1.0, 0.3, True)


@pytest.fixture
def task():
    motion = PseudoMotion(MOTION, CLIPS, COLOURS)
    return MotionClassification(build_classifier("r2plus1d-tiny", 3, 5, 0.0, 0), motion)


def batch(seeds=(3, 2**63 - 1), indices=(0, 1)):
    pictures = np.random.default_rng(0).integers(0, 256, (len(seeds), 1, 3, 16, 16), np.uint8)
    return {
        "picture": torch.from_numpy(pictures),
        "seed": torch.tensor(seeds),
        "index": torch.tensor(indices),
        "video_id": [f"v{index}" for index in indices],
    }


def test_the_loss_is_the_mean_over_all_sequences(task):
    task.eval()
    clips, labels = task.motion.generate(batch()["picture"], sample_seeds(batch()))
    log_share = task.model(clips).log_softmax(-1)
    losses = [-log_share[row, label].item() for row, label in enumerate(labels.tolist())]

    found = task(batch())

    assert found["loss"].item() == pytest.approx(np.mean(losses), rel=1e-5)
    assert len(losses) == 10


def test_an_untrained_head_of_zeros_loses_the_logarithm_of_the_labels(task):
    torch.nn.init.zeros_(task.model.fc.weight)
    torch.nn.init.zeros_(task.model.fc.bias)

    assert task(batch())["loss"].item() == pytest.approx(np.log(5), rel=1e-5)


def test_top1_is_the_mean_score(task):
    task.eval()

    scores = task.score(batch())

    assert scores.shape == (10,)
    assert set(scores.tolist()) <= {0.0, 1.0}
    assert task(batch())["top1"].item() == pytest.approx(scores.mean().item())


def test_one_sample_scores_alike_in_any_batch(task):
    task.eval()
    whole = batch()
    parts = [
        {key: value[part] for key, value in whole.items()} for part in (slice(0, 1), slice(1, 2))
    ]

    assert torch.equal(task.score(whole), torch.cat([task.score(part) for part in parts]))


def test_only_the_model_learns_and_gradients_reach_it(task):
    task(batch())["loss"].backward()

    assert all(name.startswith("model.") for name in task.state_dict())
    assert all(parameter.grad is not None for parameter in task.parameters())


def test_videos_that_share_a_seed_differ():
    assert len(set(sample_seeds(batch(seeds=(4, 4))))) == 2
    assert sample_seeds(batch()) == [3, 2**63 - 1 + (1 << 64)]


def test_one_batch_is_learned_by_heart(task):
    optimizer = torch.optim.Adam(task.parameters(), lr=0.01)
    for _ in range(15):
        loss = task(batch())["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    assert loss.item() < 0.3
