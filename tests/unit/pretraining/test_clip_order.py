import torch

from pipelines.models.heads import build_classifier
from pipelines.objectives.clip_order import order_loss, permutations
from pipelines.pretraining.clip_order import ClipOrder


def make_task(seed=0):
    return ClipOrder(build_classifier("r2plus1d-tiny", 3, 0, 0.0, seed), 3, seed).eval()


def make_batch():
    clips = torch.randn(2, 3, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    return {"rgb": clips, "seed": torch.tensor([3, 11]), "video_id": ["a", "b"]}


def test_loss_is_that_of_clips_in_the_drawn_order():
    task, batch = make_task(), make_batch()
    orders = torch.tensor([3, 5])  # 3 and 11 modulo 3!
    rows = []
    for clips, order in zip(batch["rgb"], permutations(3)[orders], strict=True):
        rows.append(task.model.features(clips[order]))
    logits = task.head(torch.stack(rows))

    found = task(batch)

    torch.testing.assert_close(found["loss"], order_loss(logits, orders))
    right = (logits.argmax(-1) == orders).float()
    torch.testing.assert_close(found["top1"], right.mean())
    torch.testing.assert_close(task.score(batch), right)


def test_the_heads_weights_follow_from_the_seed_alone():
    torch.manual_seed(5)
    first = make_task(1).head.state_dict()
    torch.manual_seed(6)
    before = torch.get_rng_state()
    second = make_task(1).head.state_dict()

    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first["pair.weight"], make_task(2).head.state_dict()["pair.weight"])
