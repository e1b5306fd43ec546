import pytest
import torch
from torch.nn import functional

from pipelines.models.order_head import OrderHead


def test_layers_of_the_official_head():
    head = OrderHead(512, 3)
    shapes = {name: tuple(value.shape) for name, value in head.named_parameters()}

    assert shapes == {
        "pair.weight": (512, 1024),
        "pair.bias": (512,),
        "order.weight": (6, 1536),
        "order.bias": (6,),
    }


def test_logits_are_those_of_all_pairs_in_turn():
    head = OrderHead(4, 3).eval()
    features = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))

    expected = []
    for video in features:
        hidden = [
            functional.relu(head.pair.weight @ torch.cat([video[a], video[b]]) + head.pair.bias)
            for a, b in ((0, 1), (0, 2), (1, 2))
        ]
        expected.append(head.order.weight @ torch.cat(hidden) + head.order.bias)

    torch.testing.assert_close(head(features), torch.stack(expected))


def test_half_of_the_hidden_values_are_dropped_in_training():
    head = OrderHead(4, 2).train()
    features = torch.randn(1, 2, 4)

    assert not torch.equal(head(features), head(features))


def test_one_clip_has_no_order():
    with pytest.raises(ValueError, match="at least 2 clips, found 1"):
        OrderHead(4, 1)
