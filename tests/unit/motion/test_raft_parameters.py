import msgspec
import pytest

from pipelines.motion.raft_parameters import RaftParameters


@pytest.mark.parametrize(
    "change",
    [
        {"implementation": "mine"},
        {"variant": "large"},
        {"num_updates": 0},
        {"short_side_px": 7},
        {"batch_pairs": 0},
        {"weight": "x.pth"},
    ],
)
def test_values_out_of_range_are_refused_by_name(change):
    with pytest.raises(msgspec.ValidationError, match=next(iter(change))):
        msgspec.convert(change, RaftParameters)


def test_the_paper_s_values_are_the_defaults():
    assert RaftParameters() == RaftParameters("ptlflow", "things", 20, None, None, 1)
