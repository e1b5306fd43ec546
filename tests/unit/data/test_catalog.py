import json

import pytest

from pipelines.data.catalog import (
    ADAPTERS,
    check_dataset,
    fingerprint,
    list_videos,
    options_of,
    split_names,
)
from pipelines.io.errors import ConfigError, DatasetError


def stanza_of(adapter, root, **others):
    return {"adapter": adapter, "root": str(root), "num_shards": 2, **others}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "x.mp4").write_text("1")
    return stanza_of("folder", tmp_path)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "x.mp4").write_text("1")
    (tmp_path / "annotations.csv").write_text("video,label,group,split1\nx.mp4,a,,train\n")
    return stanza_of("csv", tmp_path)


def test_the_stanza_becomes_typed_options(tmp_path):
    stanza = stanza_of("csv", tmp_path, annotations="table.csv", splits=["few1"])

    adapter, options = options_of("mine", stanza)

    assert adapter is ADAPTERS["csv"]
    assert (options.annotations, options.splits) == ("table.csv", ["few1"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adapter": "ucf-101"}, "datasets.mine.adapter: found 'ucf-101'; choices: ucf101, hmdb51"),
        ({"splits": ["x"]}, "datasets.mine: FolderOptions: .*splits"),
        ({"num_shards": 0}, "num_shards"),
        ({"num_shards": "2"}, "num_shards"),
    ],
)
def test_wrong_stanzas_are_refused(folder, change, message):
    with pytest.raises(ConfigError, match=message):
        options_of("mine", {**folder, **change})


@pytest.mark.parametrize(
    ("adapter", "splits"),
    [
        ("ucf101", ("split1", "split2", "split3")),
        ("hmdb51", ("split1", "split2", "split3")),
        ("kinetics", ("split1",)),
        ("csv", ("split1",)),
        ("folder", ("all",)),
        ("demo", ("split1",)),
    ],
)
def test_split_names_need_no_files(adapter, splits):
    assert split_names("mine", stanza_of(adapter, "nowhere")) == splits


@pytest.mark.parametrize(
    ("adapter", "parts"),
    [
        ("ucf101", ["ucfTrainTestlist/classInd.txt", "Central Florida"]),
        ("hmdb51", ["testTrainMulti_7030_splits", "Serre Lab"]),
        ("kinetics", ["train/abseiling", "CVDF", "targets.<target>.source: [ucf101]"]),
        ("csv", ["annotations.csv", "your own videos"]),
        ("folder", ["labels_from_folders", "your own videos"]),
    ],
)
def test_a_missing_dataset_is_explained_in_one_message(adapter, parts, tmp_path):
    root = tmp_path / "nowhere"

    with pytest.raises(DatasetError) as failure:
        check_dataset("mine", stanza_of(adapter, root))
    for part in ["dataset mine", f"looked for folder {root}", "Expected layout", *parts]:
        assert part in str(failure.value)


def test_everything_that_is_missing_is_named(tmp_path):
    with pytest.raises(DatasetError) as failure:
        check_dataset("mine", stanza_of("ucf101", tmp_path))
    for part in ("classInd.txt", "trainlist03.txt", "testlist01.txt", "any video file below"):
        assert part in str(failure.value)


def test_a_dataset_in_place_passes(folder, table):
    check_dataset("mine", folder)
    check_dataset("mine", table)


def test_a_generated_dataset_passes_before_it_is_made_but_cannot_be_listed(tmp_path):
    stanza = stanza_of("demo", tmp_path / "videos", generator={"seed": 0})

    check_dataset("demo", stanza)
    with pytest.raises(DatasetError, match="Rule generate_demo"):
        list_videos("demo", stanza)


def test_listing_goes_through_the_adapter(table):
    assert [video.video_id for video in list_videos("mine", table).videos] == ["x"]


def test_fingerprint_follows_videos_and_annotations(table, tmp_path):
    found = [fingerprint("mine", table)]
    (tmp_path / "y.mp4").write_text("1")
    found.append(fingerprint("mine", table))
    (tmp_path / "y.mp4").write_text("12")
    found.append(fingerprint("mine", table))
    (tmp_path / "y.mp4").rename(tmp_path / "z.mp4")
    found.append(fingerprint("mine", table))
    path = tmp_path / "annotations.csv"
    path.write_text(path.read_text().replace("train", "test"))
    found.append(fingerprint("mine", table))

    assert len(set(found)) == len(found)


def test_fingerprint_ignores_what_is_no_video_and_modification_times(folder, tmp_path):
    before = fingerprint("mine", folder)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "x.mp4").touch()

    assert fingerprint("mine", folder) == before
    assert len(before) == 16


def test_fingerprint_of_a_generated_dataset_does_not_change_when_it_is_made(tmp_path):
    stanza = stanza_of("demo", tmp_path)
    before = fingerprint("demo", stanza)
    (tmp_path / "x.avi").touch()

    assert fingerprint("demo", stanza) == before


def test_stanzas_survive_json(folder):
    assert options_of("mine", json.loads(json.dumps(folder)))[1].root == folder["root"]
