import pytest
import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier
from pipelines.models.stages import Backbone
from pipelines.training.compiled import VARIABLE, as_written, compile_backbones
from pipelines.training.feature_watch import watched_features
from pipelines.training.precision import arithmetic
from pipelines.training.tasks import Classification
from tests.compiler import needs_compiler

GPU = torch.device("cuda")
COMPILE = torch.compile


@pytest.fixture
def is_chosen(monkeypatch):
    monkeypatch.setenv(VARIABLE, "True")


def small_task():
    """A backbone that compiles in seconds, and its classifier."""
    torch.manual_seed(0)
    stem = nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU())
    task = Classification(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0), "rgb")
    task.model.backbone = Backbone({"stem": stem}, num_features=4)
    task.model.fc = nn.Linear(4, 2)
    return task


def test_nothing_is_compiled_unless_it_is_chosen(monkeypatch):
    monkeypatch.setenv(VARIABLE, "False")
    task = small_task()

    compile_backbones(task)

    assert "forward_map" not in vars(task.model.backbone)
    with as_written() as context:
        assert context is None


def test_without_a_compiler_it_is_refused(is_chosen, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)

    with pytest.raises(ConfigError, match="no C compiler: none of gcc, clang, cc"):
        compile_backbones(small_task())


@needs_compiler
def test_compiled_networks_learn_the_same_and_can_be_watched(is_chosen):
    clips, found = torch.randn(2, 1, 3, 4, 8, 8), {}
    for name in ("as written", "compiled"):
        task = small_task()
        names = list(task.state_dict())
        if name == "compiled":
            compile_backbones(task)
        with watched_features(task) as seen:
            loss = task({"rgb": clips, "label": torch.tensor([[0], [1]])})["loss"]
        loss.backward()
        found[name] = [loss, seen[0], *(part.grad for part in task.parameters())]
        assert list(task.state_dict()) == names

    torch.testing.assert_close(found["compiled"], found["as written"], rtol=1e-4, atol=1e-6)


def test_other_shapes_run_as_written(is_chosen, monkeypatch):
    task, graphs = small_task(), []
    # Nothing is compiled to machine code here.
    monkeypatch.setenv("CC", "any")

    def note(graph, inputs):
        graphs.append(inputs)
        return graph

    monkeypatch.setattr(
        torch, "compile", lambda call, dynamic: COMPILE(call, dynamic=dynamic, backend=note)
    )
    compile_backbones(task)

    task.model(torch.randn(2, 3, 4, 8, 8))
    with as_written():
        task.model(torch.randn(3, 3, 4, 8, 8))
    task.model(torch.randn(2, 3, 4, 8, 8))

    assert len(graphs) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU in this machine")
def test_on_a_gpu_compiled_networks_agree(is_chosen):
    task = Classification(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0), "rgb").to(GPU)
    clips = torch.randn(4, 3, 8, 48, 48, device=GPU)
    found = []
    for _ in range(2):
        with arithmetic("bfloat16", GPU):
            found.append(task.model.train()(clips).float())
        compile_backbones(task)

    # Fused operations round to bfloat16 less often.
    torch.testing.assert_close(found[1], found[0], rtol=0.05, atol=0.02)
