"""The task on tiny networks; `tests/unit/pretraining/test_pretrain_modist.py` runs the command."""

import copy

import pytest
import torch
from torch import distributed, multiprocessing, nn

from pipelines.clips.colour import ColourConfig
from pipelines.models.backbones import Backbone
from pipelines.models.embedder import Embedder
from pipelines.models.heads import Classifier
from pipelines.objectives.info_nce import Embeddings, modist_terms
from pipelines.pretraining.motion_distillation import (
    ClipInput,
    ContrastSettings,
    MotionDistillation,
)

ALL = ("visual", "motion", "distillation")
COLOUR = ColourConfig(
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.0,
    probability=0.8,
    grey_probability=0.2,
    grey_first=False,
)
NUM_ROWS, MOMENTUM = 10, 0.9


def tiny_backbone(channels: int, seed: int, has_norm: bool = True) -> Backbone:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Conv3d(channels, 6, 3), *([nn.BatchNorm3d(6)] if has_norm else [])]
        return Backbone({"stem": nn.Sequential(*layers, nn.ReLU())}, 6)


def task(terms=ALL, has_norm=True, num_groups=1, copies=1, **changes):
    model = Classifier(tiny_backbone(3, 0, has_norm), 0, 0.0)
    motion = Embedder(tiny_backbone(copies, 1, has_norm), 4, 1)
    settings = {"temperature": 0.1, "negatives": "query_modality", "momentum": MOMENTUM} | changes
    return MotionDistillation(
        model,
        Embedder(model.backbone, 4, 0),
        motion if set(terms) != {"visual"} else None,
        ContrastSettings(terms=terms, num_negatives=NUM_ROWS, num_groups=num_groups, **settings),
        ClipInput(COLOUR, (0.45,) * 3, (0.225,) * 3, copies),
    )


def batch_of(step: int, size: int = 4, num_videos: int = 6) -> dict:
    generator = torch.Generator().manual_seed(step)
    index = torch.randint(num_videos, (size,), generator=generator)
    return {
        "video_id": [f"video{i}" for i in index.tolist()],
        "index": index,
        "seed": torch.randint(2**40, (size,), generator=generator),
        "rgb": torch.randint(0, 256, (size, 2, 3, 4, 9, 9), generator=generator).byte(),
        "motion": torch.rand(size, 2, 1, 5, 8, 8, generator=generator),
    }


def step_through(learner, steps, rate=0.1):
    """Plain training; returns the losses."""
    optimizer = torch.optim.SGD([p for p in learner.parameters() if p.requires_grad], lr=rate)
    losses = []
    for step in steps:
        learner.train()
        learner.before_step(step)
        found = learner(batch_of(step))
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        learner.after_step()
        losses.append(float(found["loss"].detach()))
    return losses


def test_the_loss_is_that_of_the_written_out_steps():
    learner = task(has_norm=False).train()
    step_through(learner, range(3))
    batch = batch_of(3)
    found = learner(batch)

    pathways = {}
    for name, clips in [("visual", learner._rgb(batch)), ("motion", learner._maps(batch))]:
        pathway = getattr(learner, name)
        query, key = pathway.online(clips[:, 0]), pathway.slow(clips[:, 1])
        same = batch["index"][:, None] == pathway.memory.video_index[None]
        empty = (pathway.memory.video_index < 0).expand_as(same)
        pathways[name] = Embeddings(query, key, pathway.memory.rows, same | empty)
    expected = modist_terms(*pathways.values(), 0.1, ALL, "query_modality")
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
    torch.testing.assert_close(found["loss"], sum(expected.values()))
    assert float(found["loss"].detach()) > 0.1


def test_keys_enter_the_memory_after_the_step_with_their_videos():
    learner = task().train()
    batch = batch_of(0)

    learner(batch)
    assert learner.visual.memory.num_filled == 0
    learner.after_step()

    for pathway in (learner.visual, learner.motion):
        assert pathway.memory.num_filled == 4
        assert pathway.memory.video_index[:4].tolist() == batch["index"].tolist()
    learner.after_step()
    assert learner.visual.memory.num_filled == 4


def test_the_slow_networks_follow_and_are_never_trained():
    learner = task().train()
    before = copy.deepcopy(learner)
    step_through(learner, range(2))

    for name in ("visual", "motion"):
        pathway, old = getattr(learner, name), getattr(before, name)
        assert all(parameter.grad is None for parameter in pathway.slow.parameters())
        moved = pathway.online.projection[0].weight - old.online.projection[0].weight
        followed = pathway.slow.projection[0].weight - old.slow.projection[0].weight
        assert 0 < followed.norm() < moved.norm()
        for ours, theirs in zip(pathway.slow.buffers(), pathway.online.buffers(), strict=True):
            assert torch.equal(ours, theirs)


def test_the_published_backbone_is_the_trained_one():
    learner = task().train()
    before = copy.deepcopy(learner.model.state_dict())
    step_through(learner, range(3))

    assert learner.visual.online.backbone is learner.model.backbone
    assert set(before) == {name for name in learner.model.state_dict() if "backbone" in name}
    key = "backbone.stem.0.weight"
    assert not torch.equal(before[key], learner.model.state_dict()[key])


def test_a_resumed_task_goes_on_bit_by_bit():
    whole = task()
    losses = step_through(whole, range(6))
    first = task()
    step_through(first, range(3))
    resumed = task()
    resumed.load_state_dict(copy.deepcopy(first.state_dict()))

    assert step_through(resumed, range(3, 6)) == losses[3:]
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    assert {"visual.memory.rows", "motion.slow.projection.0.weight"} <= set(whole.state_dict())


def test_rgb_alone_reads_no_motion():
    learner = task(("visual",)).train()
    batch = {name: value for name, value in batch_of(0).items() if name != "motion"}

    found = learner(batch)
    learner.after_step()

    assert set(found) == {"loss", "visual", "top1", "visual_spread"}
    assert not any(name.startswith("motion") for name in learner.state_dict())


def test_clips_vary_while_training_and_not_in_validation():
    learner = task().train()
    batch = batch_of(0)
    varied = learner._rgb(batch)
    plain = learner.eval()._rgb(batch)

    expected = (batch["rgb"].float() / 255 - 0.45) / 0.225
    torch.testing.assert_close(plain, expected)
    assert (varied - plain).abs().max() > 0.1


def test_maps_are_repeated_in_as_many_channels():
    learner = task(copies=3)

    found = learner._maps(batch_of(0))

    assert found.shape == (4, 2, 3, 5, 8, 8)
    assert torch.equal(found[:, :, 0], found[:, :, 2])


def test_score_asks_whether_the_key_is_nearer_than_every_row():
    learner = task().eval()
    batch = batch_of(0)
    rgb = learner._rgb(batch)
    query, key = learner.visual.online(rgb[:, 0]), learner.visual.slow(rgb[:, 1])
    assert learner.score(batch).tolist() == [1.0] * 4

    learner.visual.memory.enqueue(query[:1], batch["index"][:1])

    # The first query is its own nearest row; held-out videos share no index with the memory.
    similarity = query @ query[0]
    expected = (query * key).sum(1) >= similarity
    assert learner.score(batch).tolist() == expected.float().tolist()
    assert learner.score(batch)[0] == 0


def test_shuffled_groups_change_the_keys_but_not_without_batch_norm():
    for has_norm in (True, False):
        plain, grouped = (task(has_norm=has_norm, num_groups=g).train() for g in (1, 2))
        keys = []
        for learner in (plain, grouped):
            learner(batch_of(0))
            learner.after_step()
            keys.append(learner.visual.memory.rows)
        assert torch.allclose(*keys, atol=1e-6) != has_norm


def joint_step(number: int, meeting: str, folder: str) -> None:
    """One process's half of every batch; gradients are averaged as DDP does."""
    distributed.init_process_group("gloo", init_method=meeting, rank=number, world_size=2)
    learner = task(num_groups=2)
    parameters = [p for p in learner.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    half = slice(2 * number, 2 * number + 2)
    for step in range(3):
        batch = {name: value[half] for name, value in batch_of(step).items()}
        found = learner.train()(batch)
        optimizer.zero_grad()
        found["loss"].backward()
        for parameter in parameters:
            distributed.all_reduce(parameter.grad)
            parameter.grad /= 2
        optimizer.step()
        learner.after_step()
    torch.save(learner.state_dict(), f"{folder}/{number}.pt")
    distributed.destroy_process_group()


@pytest.mark.distributed
def test_two_processes_hold_the_memory_and_weights_of_one(tmp_path):
    torch.set_num_threads(1)
    meeting = (tmp_path / "meeting").as_uri()
    alone = task(num_groups=2)
    step_through(alone, range(3))

    arguments = (meeting, str(tmp_path))
    multiprocessing.start_processes(joint_step, arguments, nprocs=2, start_method="fork")

    joint = [torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in (0, 1)]
    for name, value in alone.state_dict().items():
        if "running" in name or "num_batches" in name:
            continue  # Each process keeps the statistics of its own groups.
        torch.testing.assert_close(joint[0][name], value, atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(joint[1][name], joint[0][name], rtol=0, atol=0)


def test_processes_must_share_groups_equally(monkeypatch):
    monkeypatch.setattr("pipelines.pretraining.motion_distillation.num_processes", lambda: 4)

    with pytest.raises(ValueError, match="4 processes cannot share 2 groups"):
        task(num_groups=2)
