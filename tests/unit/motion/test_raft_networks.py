import pytest
import torch

from pipelines.motion.raft_networks import RaftNetwork, build_network

# That whole flow equals the libraries' own is tested in test_raft.py.


class Plain(RaftNetwork):
    """Every update moves by the hidden state; correlation and context are ignored."""

    hidden_size = 2

    def features(self, images):
        return images[:, :, ::8, ::8]

    context = features

    def lookup(self, first, second):
        self.seen = []
        return lambda coordinates: self.seen.append(coordinates.clone()) or coordinates

    def update(self, hidden, context, correlation, flow):
        assert (context >= 0).all()
        return hidden, torch.tensor([1.0, -2.0])[None, :, None, None].expand_as(flow)

    def upsample(self, flow, hidden):
        return 8 * flow


def test_coordinates_begin_on_the_grid_and_move_with_the_flow():
    network = Plain()
    features = network.features(torch.randn(2, 3, 16, 24))

    flow = network.flow(features, features, features, num_updates=3)

    rows, columns = torch.meshgrid(torch.arange(2.0), torch.arange(3.0), indexing="ij")
    grid = torch.stack([columns, rows]).expand(2, 2, 2, 3)
    torch.testing.assert_close(network.seen[0], grid)
    torch.testing.assert_close(network.seen[2] - grid, 2 * (network.seen[1] - grid))
    torch.testing.assert_close(flow[:, 0], torch.full((2, 2, 3), 24.0))
    torch.testing.assert_close(flow[:, 1], torch.full((2, 2, 3), -48.0))


@pytest.mark.parametrize(("variant", "num_weights"), [("things", 5_257_536), ("small", 990_162)])
@pytest.mark.parametrize("implementation", ["ptlflow", "torchvision"])
def test_both_libraries_hold_the_published_network(implementation, variant, num_weights):
    network = build_network(implementation, variant)

    assert sum(weight.numel() for weight in network.module.parameters()) == num_weights
    assert not network.module.training
    assert not any(weight.requires_grad for weight in network.module.parameters())


@pytest.mark.parametrize("names", [("raft", "things"), ("ptlflow", "large")])
def test_unknown_names_are_refused(names):
    with pytest.raises(ValueError, match="torchvision"):
        build_network(*names)
