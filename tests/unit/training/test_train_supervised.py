import pytest

from pipelines.data.source_store import write_source
from pipelines.io.errors import DatasetError
from pipelines.models.weights import load_model
from pipelines.training.train_supervised import build_parser, main
from tests.tiny_dataset import CLASSES, TRAIN


@pytest.fixture
def train(tiny_dataset, tmp_path):
    def run(source=tiny_dataset.source):
        options = [*tiny_dataset.run(tmp_path / "a"), *tiny_dataset.stores("rgb")]
        main(build_parser().parse_args([*options, "--source", str(source)]))
        return load_model(tmp_path / "a" / "model.pt", "rule")

    return run


def test_rgb_learns_the_classes_of_the_source(train):
    meta = train().meta

    assert (meta.modality, meta.num_classes, meta.classes) == ("rgb", 2, CLASSES)
    assert meta.notes == {"step": "4", "num_videos": "4"}


def test_only_labelled_videos_with_frames_are_used(train, tmp_path):
    labels = {TRAIN[0]: "left", TRAIN[1]: None, TRAIN[2]: "right", "tiny/skipped": "up"}
    write_source(tmp_path / "source.parquet", labels, {})

    meta = train(tmp_path / "source.parquet").meta

    assert (meta.classes, meta.notes["num_videos"]) == (CLASSES, "2")


def test_a_source_without_labels_is_refused(train, tmp_path):
    write_source(tmp_path / "source.parquet", dict.fromkeys(TRAIN), {})

    with pytest.raises(DatasetError, match=r"source\.parquet: no video has a label; leave"):
        train(tmp_path / "source.parquet")
