import pytest
import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier
from pipelines.training import joint_norm
from pipelines.training.joint_norm import VARIABLE, join_batch_norm
from pipelines.training.tasks import Classification

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture
def task():
    return Classification(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0), "rgb")


@pytest.fixture
def processes(monkeypatch):
    def make(count, chosen="auto"):
        monkeypatch.setenv(VARIABLE, chosen)
        monkeypatch.setattr(joint_norm, "num_processes", lambda: count)

    return make


def norms(task):
    return [
        type(layer) for layer in task.modules() if isinstance(layer, nn.modules.batchnorm._NormBase)
    ]


def test_several_gpus_normalise_together_with_the_same_weights(task, processes, caplog):
    processes(2)
    before, parameters = dict(task.state_dict()), list(task.parameters())

    with caplog.at_level("INFO"):
        join_batch_norm(task, GPU)

    assert set(norms(task)) == {nn.SyncBatchNorm}
    after = task.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    # The optimizer, made afterwards, and whoever holds them has the same parameters.
    assert all(a is b for a, b in zip(parameters, task.parameters(), strict=True))
    assert "over the samples of all 2 processes" in caplog.text


@pytest.mark.parametrize(("count", "chosen"), [(1, "auto"), (1, "always"), (2, "never")])
def test_one_process_and_never_leave_it_as_it_is(task, processes, count, chosen):
    processes(count, chosen)

    join_batch_norm(task, GPU)

    assert set(norms(task)) == {nn.BatchNorm3d}


def test_on_cpu_auto_says_so_and_always_is_refused(task, processes, caplog):
    processes(2)
    with caplog.at_level("INFO"):
        join_batch_norm(task, CPU)
    processes(2, "always")
    with pytest.raises(ConfigError, match=r"sync_batch_norm is always, .* 2 processes .* on cpu"):
        join_batch_norm(task, CPU)

    assert set(norms(task)) == {nn.BatchNorm3d}
    assert "each process normalises its own samples" in caplog.text


def test_groups_of_a_tasks_own_are_kept(task, processes):
    processes(2)
    task.has_own_norm_groups = True

    join_batch_norm(task, GPU)

    assert set(norms(task)) == {nn.BatchNorm3d}


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs: NCCL joins no less")
def test_two_gpus_normalise_as_one(tmp_path):
    clips = torch.randn(5, 3, 4, 8, 8)
    norm = nn.BatchNorm3d(3)
    expected = norm(clips)
    torch.save(clips, tmp_path / "clips.pt")

    torch.multiprocessing.spawn(normalise, args=(tmp_path,), nprocs=2)

    found = torch.cat(
        [torch.load(tmp_path / f"rank{number}.pt", weights_only=True) for number in range(2)]
    )
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-5)


def normalise(rank, folder):
    torch.cuda.set_device(rank)
    torch.distributed.init_process_group(
        "nccl", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    task = Classification(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0), "rgb")
    task.model.fc = nn.BatchNorm3d(3)
    join_batch_norm(task.cuda(), torch.device("cuda", rank))
    own = torch.load(folder / "clips.pt", weights_only=True)[
        slice(0, 2) if rank == 0 else slice(2, 5)
    ]
    torch.save(task.model.fc(own.cuda()).detach().cpu(), folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()
