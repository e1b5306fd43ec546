import errno
import json
import os
from pathlib import Path

import pytest

from pipelines.data.adapters import ADAPTERS
from pipelines.data.catalog import (
    annotation_digest,
    check_dataset,
    fewest_per_class,
    has_boxes,
    has_labels,
    known_listing,
    list_boxes,
    list_videos,
    listing_digest,
    medium_of,
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
        ("ssv2", ("split1",)),
        ("ava", ("split1",)),
        ("csv", ("split1",)),
        ("folder", ("all",)),
        ("images", ("all",)),
        ("demo", ("split1",)),
        ("ava_demo", ("split1",)),
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
        ("ssv2", ["labels/train.json", "78687.webm", "Qualcomm"]),
        ("ava", ["ava_train_v2.2.csv", "first_second: 0", "CVDF"]),
        ("csv", ["annotations.csv", "your own videos"]),
        ("folder", ["labels_from_folders", "your own videos"]),
        ("images", ["<class>/first.jpg", "image-net.org"]),
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


def test_a_folder_that_may_not_be_entered_is_a_missing_dataset(tmp_path, monkeypatch):
    root = tmp_path / "closed/many"

    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", denied)

    with pytest.raises(DatasetError) as failure:
        check_dataset("mine", stanza_of("folder", root))
    for part in (
        f"dataset mine is not there: looked for {root} (permission denied: a folder above it",
        "Expected layout:",
        "Another place is named by datasets.mine.root.",
    ):
        assert part in str(failure.value)


def test_a_table_that_may_not_be_read_is_told(table, monkeypatch):
    def denied(path, *args, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)

    with pytest.raises(DatasetError, match=r"dataset mine: .*annotations.csv: permission denied"):
        list_videos("mine", table)


def test_a_dataset_in_place_passes(folder, table):
    check_dataset("mine", folder)
    check_dataset("mine", table)


def test_a_generated_dataset_passes_before_it_is_made_but_cannot_be_listed(tmp_path):
    stanza = stanza_of("demo", tmp_path / "videos", generator={"seed": 0})

    check_dataset("demo", stanza)
    with pytest.raises(DatasetError, match="Rule generate_demo"):
        list_videos("demo", stanza)


def test_a_folder_of_images_is_no_folder_of_videos(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "x.jpg").write_text("1")

    check_dataset("mine", stanza_of("images", tmp_path))
    with pytest.raises(DatasetError, match="any video file below"):
        check_dataset("mine", stanza_of("folder", tmp_path))
    (tmp_path / "cat" / "x.jpg").rename(tmp_path / "cat" / "x.mp4")
    with pytest.raises(DatasetError, match="any image file below"):
        check_dataset("mine", stanza_of("images", tmp_path))


def test_only_images_may_have_one_frame():
    assert medium_of("mine", stanza_of("images", "nowhere")).min_frames == 1
    for adapter in ADAPTERS.keys() - {"images"}:
        assert medium_of("mine", stanza_of(adapter, "nowhere")).min_frames == 2


def test_listing_goes_through_the_adapter_and_ids_begin_with_the_dataset(table, tmp_path):
    (tmp_path / "new.mp4").write_text("1")

    listing = list_videos("mine", table)

    assert [(video.video_id, video.path) for video in listing.videos] == [("mine/x", "x.mp4")]
    assert [(item.video_id, item.kind) for item in listing.problems] == [("mine/new", "unlisted")]


def test_ids_of_two_datasets_never_meet(folder):
    first, second = (
        {video.video_id for video in list_videos(name, folder).videos} for name in ("one", "two")
    )

    assert (first, second) == ({"one/x"}, {"two/x"})


def test_what_a_rule_will_make_is_known_before(tmp_path, table):
    demo = stanza_of("demo", tmp_path / "nowhere", generator={"num_unlabelled": 2})

    listing = known_listing("few", demo)

    # Trainings draw by their place in the list: it is the same as once the videos are there.
    ids = [video.video_id for video in listing.videos]
    assert ids == sorted(ids)
    assert listing.problems == []
    assert [video.path for video in listing.videos][-2:] == [
        "unlabelled/u00001.avi",
        "unlabelled/u00002.avi",
    ]
    assert all(video.video_id.startswith("few/") for video in listing.videos)
    assert known_listing("mine", table) == list_videos("mine", table)


@pytest.mark.parametrize(
    ("old", "new"),
    [("x.mp4,a", "x.mp4,b"), (",,train", ",g1,train"), ("train", "test")],
    ids=["label", "group", "role"],
)
def test_all_that_annotations_say_is_in_the_digest(table, tmp_path, old, new):
    before = listing_digest(list_videos("mine", table))
    path = tmp_path / "annotations.csv"
    path.write_text(path.read_text().replace(old, new))

    assert listing_digest(list_videos("mine", table)) != before


def test_problems_are_in_the_digest_and_what_is_no_video_is_not(table, tmp_path):
    before = listing_digest(list_videos("mine", table))
    (tmp_path / "notes.txt").touch()
    os.utime(tmp_path / "x.mp4", (1, 1))
    assert listing_digest(list_videos("mine", table)) == before

    (tmp_path / "new.mp4").write_text("1")
    assert listing_digest(list_videos("mine", table)) != before
    assert len(before) == 16


@pytest.mark.parametrize(
    ("adapter", "others", "expected"),
    [
        ("ucf101", {}, True),
        ("hmdb51", {}, True),
        ("kinetics", {}, True),
        ("ssv2", {}, True),
        ("ava", {}, False),
        ("csv", {}, False),
        ("folder", {}, False),
        ("folder", {"labels_from_folders": True}, True),
        ("images", {}, True),
        ("demo", {}, False),
        ("ava_demo", {}, False),
    ],
)
def test_which_datasets_offer_labels_as_a_source(adapter, others, expected):
    assert has_labels("mine", stanza_of(adapter, "nowhere", **others)) is expected


def test_the_smallest_class_is_counted_without_its_videos(tmp_path):
    rows = ["a,x,train", "b,x,train", "c,y,train", "d,y,test", "e,,unlabelled", "f,z,test"]
    lines = [f"{name}.mp4,{label},,{role}" for name, label, role in (r.split(",") for r in rows)]
    (tmp_path / "annotations.csv").write_text("\n".join(["video,label,group,split1", *lines]))
    for name in "abcdef":
        (tmp_path / f"{name}.mp4").write_text(name)
    generated = stanza_of("demo", tmp_path / "nowhere", generator={"num_train_per_class": 3})

    assert fewest_per_class("mine", stanza_of("csv", tmp_path), ["split1"]) == 1
    assert fewest_per_class("mine", generated, ["split1"]) == 3
    assert fewest_per_class("mine", stanza_of("demo", tmp_path / "nowhere"), ["split1"]) == 8


def test_videos_that_are_held_out_do_not_count_for_the_smallest_class(tmp_path):
    demo = stanza_of("demo", tmp_path / "nowhere")

    # The demo has 4 groups of 2 videos of every class.
    assert fewest_per_class("mine", demo, ["split1"], held_fraction=0.25, seeds=[0, 1]) == 6


def test_the_smallest_class_is_that_of_any_split_and_seed(tmp_path):
    rows = ["a,x,train,test", "b,x,train,train", "c,x,test,train", "d,x,train,test"]
    lines = [
        f"{name}.mp4,{label},,{roles}" for name, label, roles in (r.split(",", 2) for r in rows)
    ]
    table = "\n".join(["video,label,group,split1,split2", *lines])
    (tmp_path / "annotations.csv").write_text(table)
    for name in "abcd":
        (tmp_path / f"{name}.mp4").write_text(name)
    stanza = stanza_of("csv", tmp_path, splits=["split1", "split2"])

    assert fewest_per_class("mine", stanza, ["split1"]) == 3
    assert fewest_per_class("mine", stanza, ["split1", "split2"]) == 2


def test_boxes_are_listed_by_adapters_that_have_them(table, tmp_path):
    with pytest.raises(ConfigError, match=r"adapter csv has no boxes .* have: ava, ava_demo"):
        list_boxes("mine", table)
    with pytest.raises(DatasetError, match="dataset mine is not there"):
        list_boxes("mine", stanza_of("ava", tmp_path / "nowhere"))
    folder = tmp_path / "annotations"
    folder.mkdir()
    for part in ("train", "val"):
        (folder / f"ava_{part}_v2.2.csv").write_text("x,0902,0.1,0.1,0.9,0.9,12,1\n")
        (folder / f"ava_{part}_excluded_timestamps_v2.2.csv").touch()
    labels = folder / "ava_action_list_v2.2_for_activitynet_2019.pbtxt"
    labels.write_text('item {\n  name: "stand"\n  id: 12\n}\n')

    boxes = list_boxes("mine", stanza_of("ava", tmp_path))

    assert {(box.video_id, box.at_seconds, box.action) for box in boxes} == {
        ("mine/x", 2.0, "stand")
    }


def test_changed_annotations_have_another_digest(table, tmp_path):
    before = annotation_digest("mine", table)
    (tmp_path / "new.mp4").write_text("1")
    assert annotation_digest("mine", table) == before

    (tmp_path / "annotations.csv").write_text("video,label,group,split1\n")
    assert annotation_digest("mine", table) != before
    assert len(before) == 16


@pytest.mark.parametrize(("adapter", "expected"), [("ava", True), ("csv", False)])
def test_which_datasets_have_boxes(adapter, expected):
    assert has_boxes("mine", stanza_of(adapter, "nowhere")) is expected


def test_stanzas_survive_json(folder):
    assert options_of("mine", json.loads(json.dumps(folder)))[1].root == folder["root"]
