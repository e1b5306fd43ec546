import pytest
import torch

from pipelines.models.heads import build_classifier
from pipelines.training.feature_watch import MAX_ROWS, feature_health, watched_features
from pipelines.training.monitors import effective_rank, embedding_spread
from pipelines.training.tasks import Classification, Task


@pytest.fixture
def task():
    return Classification(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=1), "rgb")


def test_the_last_output_of_the_published_backbone_is_seen(task):
    clips = torch.randn(4, 3, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    task.eval()
    with watched_features(task) as seen:
        task.model(clips[:1])
        expected = task.model.features(clips)
    task.model(clips[:2])

    assert torch.equal(seen[0], expected)
    assert not seen[0].requires_grad
    assert feature_health(seen) == {
        "feature_spread": embedding_spread(expected),
        "feature_rank": effective_rank(expected),
    }


def test_nothing_is_left_behind_after_an_error(task):
    with pytest.raises(ZeroDivisionError), watched_features(task):
        raise ZeroDivisionError

    assert not task.model.backbone._forward_hooks


def test_without_a_backbone_or_with_one_sample_nothing_is_said():
    with watched_features(Task()) as seen:
        pass

    assert seen == []
    assert feature_health(seen) == {}
    assert feature_health([torch.ones(1, 4)]) == {}
    assert feature_health([torch.full((3, 4), torch.nan)]) == {}


def test_of_many_samples_the_first_are_looked_at():
    few = torch.randn(MAX_ROWS, 3, generator=torch.Generator().manual_seed(0))

    assert feature_health([torch.cat([few, 100 * few])]) == feature_health([few])
