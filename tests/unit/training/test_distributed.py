import pytest
import torch
from torch import distributed, multiprocessing

from pipelines.training.distributed import gather_rows, is_joint, num_processes, rank


def test_one_process_has_its_own_rows():
    rows = torch.arange(6.0).reshape(3, 2)

    assert gather_rows(rows) is rows
    assert (num_processes(), rank(), is_joint()) == (1, 0, False)


def join_rows(number: int, meeting: str, folder: str) -> None:
    distributed.init_process_group("gloo", init_method=meeting, rank=number, world_size=2)
    rows = torch.full((2, 3), float(number), requires_grad=True)
    indices = torch.tensor([10 * number, 10 * number + 1])
    found = {
        "rows": gather_rows(rows),
        "indices": gather_rows(indices),
        "who": torch.tensor([rank(), num_processes(), int(is_joint())]),
    }
    torch.save(found, f"{folder}/{number}.pt")
    distributed.destroy_process_group()


@pytest.mark.distributed
def test_two_processes_see_the_same_rows_by_rank(tmp_path):
    meeting = (tmp_path / "meeting").as_uri()

    arguments = (meeting, str(tmp_path))
    multiprocessing.start_processes(join_rows, arguments, nprocs=2, start_method="fork")

    for number in (0, 1):
        found = torch.load(tmp_path / f"{number}.pt", weights_only=True)
        assert found["rows"].tolist() == [[0.0] * 3] * 2 + [[1.0] * 3] * 2
        assert not found["rows"].requires_grad
        assert found["indices"].tolist() == [0, 1, 10, 11]
        assert found["who"].tolist() == [number, 2, 1]
