import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import load_model
from pipelines.pretraining import neighbour_watch as module
from pipelines.pretraining.neighbour_watch import NeighbourConfig, WatchedFiles, neighbour_watch
from pipelines.pretraining.pretrain_clip_order import build_parser, main
from pipelines.training.history_store import read_history
from pipelines.training.tasks import Classification
from tests.tiny_dataset import CLIPS, SPLIT, TEST

CONFIG = ClipConfig(**{**CLIPS, "rgb_mean": (0.5,) * 3, "rgb_std": (0.25,) * 3})
WATCHED = {"dataset": "tiny", "split": SPLIT}


@pytest.fixture
def files(tiny_dataset):
    return WatchedFiles(tiny_dataset.manifest, tiny_dataset.index, tiny_dataset.frames)


@pytest.fixture
def train(command_line, tiny_dataset, tmp_path):
    def run(name, watched, **changes):
        extra = []
        if watched:
            extra = ["--watched-manifest", tiny_dataset.manifest]
            extra += ["--watched-index", tiny_dataset.index]
            extra += ["--watched-frames", tiny_dataset.frames]
        line = command_line("clip_order", {"gap": 1}, name, extra=extra, **changes)
        main(build_parser().parse_args(line))
        return tmp_path / name / "model.pt"

    return run


def test_training_videos_alone_vote_and_ask(files, monkeypatch):
    seen = []

    def spy(source, known, asked, label, clips):
        seen.append((known, asked))
        return lambda task: 0.5

    monkeypatch.setattr(module, "neighbour_score", spy)

    measures = neighbour_watch(NeighbourConfig("tiny", SPLIT), files, CONFIG)

    ((known, asked),) = seen
    assert measures["neighbour_top1"](None) == 0.5
    assert known
    assert asked
    assert not set(known) & set(asked)
    assert not {*known, *asked} & set(TEST)


def test_the_score_is_a_share_and_the_same_every_time(files):
    task = Classification(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0), "rgb")
    score = neighbour_watch(NeighbourConfig("tiny", SPLIT), files, CONFIG)["neighbour_top1"]

    assert 0 <= score(task) <= 1
    assert score(task) == score(task)


def test_it_stands_in_the_history_and_changes_no_weight(train):
    plain, watched = (
        train("a", False, dropout=0.5),
        train("b", True, dropout=0.5, neighbour_score=WATCHED),
    )

    history = read_history(watched.with_name("history.parquet"))
    assert history["neighbour_top1"].between(0, 1).all()
    first, second = (load_model(path, "pretrain").state for path in (plain, watched))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(("watched", "score"), [(True, None), (False, WATCHED)])
def test_labels_and_files_belong_together(train, watched, score):
    with pytest.raises(ConfigError, match=r"neighbour_score and --watched-manifest, .* belong"):
        train("a", watched, neighbour_score=score)


def test_an_unknown_split_stops_before_training(train, tmp_path):
    with pytest.raises(DatasetError, match="no split 'other'; splits of this dataset: split1"):
        train("a", True, neighbour_score={"dataset": "tiny", "split": "other"})
    assert not list(tmp_path.glob("a/*.pt"))


def test_nothing_is_watched_unless_asked_for():
    assert neighbour_watch(None, None, CONFIG) == {}
