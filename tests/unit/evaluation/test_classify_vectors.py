import json

import numpy as np
import pytest

from pipelines.encoding.sketch import draw_sketch
from pipelines.encoding.vector_store import VectorForm, VectorWriter
from pipelines.evaluation.classify_vectors import build_parser, main
from pipelines.evaluation.prediction_store import read_predictions
from pipelines.io.errors import ConfigError, ContractError, DatasetError
from tests.tiny_dataset import SPLIT, TEST, TRAIN, label_of

SKETCH = draw_sketch(20, 8, 0)


def vector_of(video_id):
    """Near one of two axes by class, and a little of its own."""
    row = np.random.default_rng(len(video_id)).normal(scale=0.02, size=20)
    row[0 if label_of(video_id) == "left" else 1] += 1
    return row.astype(np.float32)


@pytest.fixture
def classify(tiny_dataset, tmp_path):
    def run(
        known=(*TRAIN, *TEST),
        role="test",
        fraction=0.0,
        vectors="sketched",
        keep=True,
        cost=100.0,
        labels=None,
    ):
        # Two shards, out of order and with a video that is not in the split.
        paths = []
        for number, names in enumerate((known[::-2], (*known[-2::-2], "tiny/other9"))):
            paths.append(tmp_path / f"{number}.h5")
            with VectorWriter(paths[-1], SKETCH, VectorForm(5, 2, "paper", 0.5), keep, {}) as out:
                for name in names:
                    out.add(name, SKETCH.apply(vector_of(name)), vector_of(name), 9)
        listed = tmp_path / "vectors.txt"
        listed.write_text("".join(f"{path}\n" for path in paths))
        config = {
            "validation": {"fraction": fraction},
            "labels": labels or {},
            "svm": {"cost": cost, "vectors": vectors},
        }
        options = ["--config", json.dumps(config), "--manifest", str(tiny_dataset.manifest)]
        options += ["--split", SPLIT, "--role", role, "--index", str(tiny_dataset.index)]
        options += ["--vectors-list", str(listed), "--seed", "0"]
        main(build_parser().parse_args([*options, "--out", str(tmp_path / "out.parquet")]))
        return read_predictions(tmp_path / "out.parquet")

    return run


@pytest.mark.parametrize("vectors", ["sketched", "fisher"])
def test_test_videos_are_predicted_by_their_vectors(classify, vectors):
    found = classify(vectors=vectors)

    assert found["video_id"].tolist() == list(TEST)
    assert found["label"].tolist() == ["left", "right"]
    assert found["predicted"].tolist() == ["left", "right"]
    shares = np.stack(found["probabilities"])
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert shares.argmax(axis=1).tolist() == [0, 1]


def test_vectors_are_joined_by_id_and_not_by_place(classify):
    # The writer's order above is not the split's; swapped rows would swap the classes.
    assert (classify()["label"] == classify()["predicted"]).all()


def test_validation_videos_are_held_out_of_the_fit(classify):
    found = classify(role="validation", fraction=0.5)["video_id"].tolist()

    assert found in (["tiny/left0", "tiny/right0"], ["tiny/left1", "tiny/right1"])


def test_few_labels_are_learned_from_alone(classify, caplog):
    few = classify(known=(TRAIN[0], TRAIN[2], *TEST), labels={"per_class": 1, "choice": "first"})

    assert (few["label"] == few["predicted"]).all()
    assert "left out of training" not in caplog.text


def test_a_test_video_without_a_vector_still_counts(classify, caplog):
    found = classify(known=(*TRAIN, TEST[0]))

    assert found["video_id"].tolist() == list(TEST)
    assert "1 of 2 videos have no vector and are predicted as videos without" in caplog.text
    assert TEST[1] in caplog.text


def test_a_training_video_without_a_vector_is_left_out_by_name(classify, caplog):
    found = classify(known=(*TRAIN[1:], *TEST))

    assert (found["label"] == found["predicted"]).all()
    assert f"1 of 4 videos have no vector and are left out of training: {TRAIN[0]}" in caplog.text


def test_the_accuracy_is_logged(classify, caplog):
    with caplog.at_level("INFO"):
        classify()

    assert "top-1 100.00 % on 2 test videos" in caplog.text


def test_wrong_use_is_explained(classify):
    with pytest.raises(ContractError, match="keep_unsketched"):
        classify(vectors="fisher", keep=False)
    with pytest.raises(DatasetError, match="none of 4 videos has a vector"):
        classify(known=TEST)
    with pytest.raises(ConfigError, match="holds out no video"):
        classify(role="validation")
    with pytest.raises(ConfigError, match="cost"):
        classify(cost=0.0)
