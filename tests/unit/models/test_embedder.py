import pytest
import torch

from pipelines.models.backbones import build_backbone, initialise_weights
from pipelines.models.embedder import Embedder, Follower, momentum_copy

CLIPS = torch.randn(3, 1, 4, 12, 12, generator=torch.Generator().manual_seed(0))


def tiny_embedder(seed: int = 0, columns: int = 6) -> Embedder:
    backbone = build_backbone("r2plus1d-tiny", 1)
    initialise_weights(backbone, torch.Generator().manual_seed(seed))
    return Embedder(backbone, columns, seed)


def test_embedding_is_the_scaled_mlp_of_the_pooled_features():
    network = tiny_embedder().eval()
    first, _, second = network.projection

    found = network(CLIPS)

    features = network.backbone(CLIPS)
    hidden = (features @ first.weight.T + first.bias).clamp(min=0)
    expected = hidden @ second.weight.T + second.bias
    torch.testing.assert_close(found, expected / expected.norm(dim=1, keepdim=True))
    assert (first.in_features, first.out_features, second.out_features) == (64, 64, 6)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))


def test_embeddings_are_float32_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        found = tiny_embedder().eval()(CLIPS)

    assert found.dtype == torch.float32
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))


def test_weights_follow_from_the_seed_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()

    same = [tiny_embedder(seed).projection[0].weight for seed in (0, 0, 1)]

    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], same[2])


def test_the_slow_copy_moves_by_the_formula():
    online, slow = tiny_embedder(0), momentum_copy(tiny_embedder(1))
    behind = [value.clone() for value in slow.parameters()]

    Follower(slow, online, 0.9).move()

    for before, now, ahead in zip(behind, slow.parameters(), online.parameters(), strict=True):
        torch.testing.assert_close(now, 0.9 * before + 0.1 * ahead)
        assert not now.requires_grad
        assert ahead.requires_grad


def test_the_move_has_the_bits_of_one_parameter_after_the_other():
    online, slow = tiny_embedder(0), momentum_copy(tiny_embedder(1))
    expected = [value.clone() for value in slow.parameters()]
    with torch.no_grad():
        for behind, ahead in zip(expected, online.parameters(), strict=True):
            behind.mul_(0.99).add_(ahead, alpha=1 - 0.99)

    Follower(slow, online, 0.99).move()

    assert all(map(torch.equal, slow.parameters(), expected))


def test_repeated_steps_to_a_resting_network_decay_geometrically():
    online, slow = tiny_embedder(0), momentum_copy(tiny_embedder(1))
    distance = (slow.projection[0].weight - online.projection[0].weight).norm()

    follower = Follower(slow, online, 0.8)
    for _ in range(10):
        follower.move()

    left = (slow.projection[0].weight - online.projection[0].weight).norm()
    torch.testing.assert_close(left, 0.8**10 * distance, rtol=1e-4, atol=0)


def test_statistics_are_copied():
    online = tiny_embedder(0)
    slow = momentum_copy(online)
    online.train()(CLIPS)
    assert not torch.equal(next(slow.buffers()), next(online.buffers()))

    Follower(slow, online, 1.0).move()

    for behind, ahead in zip(slow.buffers(), online.buffers(), strict=True):
        assert torch.equal(behind, ahead)


@pytest.mark.parametrize("momentum", [-0.1, 1.1])
def test_a_momentum_beyond_one_is_refused(momentum):
    with pytest.raises(ValueError, match="momentum"):
        Follower(tiny_embedder(), tiny_embedder(), momentum)


def test_no_column_is_refused():
    with pytest.raises(ValueError, match="column"):
        tiny_embedder(columns=0)
