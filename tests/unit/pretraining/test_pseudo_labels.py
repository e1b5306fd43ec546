import pytest
import torch

from pipelines.models.heads import build_classifier
from pipelines.pretraining.pseudo_labels import VideoClassification
from pipelines.training.tasks import Classification

LABELS = {"c": 2, "a": 0, "b": 1}


def make_task(labels=LABELS):
    return VideoClassification(build_classifier("r2plus1d-tiny", 3, 3, 0.0, seed=1), labels)


def make_batch():
    clips = torch.randn(2, 2, 3, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    return {"rgb": clips, "video_id": ["c", "a"]}


def test_every_clip_has_the_label_of_its_video():
    task, batch = make_task().eval(), make_batch()
    labelled = {**batch, "label": torch.tensor([[2, 2], [0, 0]])}
    expected = Classification(task.model, "rgb").eval()

    found = task(batch)

    assert found["loss"].item() == expected(labelled)["loss"].item()
    assert found["top1"].item() == expected(labelled)["top1"].item()
    assert torch.equal(task.score(batch), expected.score(labelled))
    assert "label" not in batch


def test_a_resumed_run_keeps_the_labels_it_began_with():
    begun, resumed = make_task(), make_task({"a": 1, "b": 2, "c": 0})
    other = resumed(make_batch())["loss"].item()

    resumed.load_state_dict(begun.state_dict())

    assert resumed.labels.tolist() == [0, 1, 2]
    assert resumed(make_batch())["loss"].item() != pytest.approx(other)
    assert not any("labels" in key for key in begun.model.state_dict())


def test_a_video_without_a_label_is_an_error():
    with pytest.raises(KeyError, match="'a'"):
        make_task({"c": 0})(make_batch())
