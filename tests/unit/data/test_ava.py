import pytest

from pipelines.data.action_boxes import ActionBox
from pipelines.data.ava import (
    AvaOptions,
    list_boxes,
    list_videos,
    read_label_map,
    required_paths,
    split_names,
)
from pipelines.data.manifest import Video
from pipelines.io.errors import DatasetError

TRAIN = """\
-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,80,1
-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,9,1
-5KQ66BBWC4,0903,0.1,0.2,0.3,0.4,12,0
"""
VAL = "1j20qq1JyX4,1000,0.0,0.0,1.0,1.0,12,5\n"
LABELS = """\
item {
  name: "stand"
  id: 12
}
item {
  name: "watch (a person)"
  id: 80
}
"""


def options(**changes):
    return AvaOptions(adapter="ava", root=".", num_shards=1, **changes)


@pytest.fixture
def root(tmp_path):
    """A small copy of the official files, with both films."""
    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "ava_train_v2.2.csv").write_text(TRAIN)
    (folder / "ava_val_v2.2.csv").write_text(VAL)
    for part in ("train", "val"):
        (folder / f"ava_{part}_excluded_timestamps_v2.2.csv").write_text("")
    (folder / "ava_action_list_v2.2_for_activitynet_2019.pbtxt").write_text(LABELS)
    for name in ("trainval/-5KQ66BBWC4.mkv", "1j20qq1JyX4.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_films_have_roles_and_no_label(root):
    listing = list_videos(root, options())

    assert listing.problems == []
    assert listing.videos == [
        Video("-5KQ66BBWC4", "trainval/-5KQ66BBWC4.mkv", None, None, {"split1": "train"}),
        Video("1j20qq1JyX4", "1j20qq1JyX4.mp4", None, None, {"split1": "test"}),
    ]


def test_every_row_is_an_action_of_a_person(root):
    first, second, third, last = list_boxes(root, options())

    corners = (0.077, 0.151, 0.283, 0.811)
    assert first == ActionBox(
        "-5KQ66BBWC4", 902, 2.0, *corners, "watch (a person)", is_evaluated=True, person_id=1
    )
    # Number 9 is one of the 20 classes that are not evaluated.
    assert (second.action, second.is_evaluated, second[3:7]) == ("action 9", False, corners)
    assert (third.timestamp, third.action) == (903, "stand")
    assert (last.video_id, last.at_seconds, last.person_id) == ("1j20qq1JyX4", 100.0, 5)


def test_excluded_timestamps_are_left_out(root):
    path = root / "annotations" / "ava_train_excluded_timestamps_v2.2.csv"
    path.write_text("-5KQ66BBWC4,0902\n1j20qq1JyX4,1000\n")

    # The list of one part does not touch the other.
    assert [box.timestamp for box in list_boxes(root, options())] == [903, 1000]


def test_times_follow_where_the_files_begin(root):
    assert [box.at_seconds for box in list_boxes(root, options(first_second=0))] == [
        902,
        902,
        903,
        1000,
    ]
    with pytest.raises(DatasetError, match="second 902 comes before first_second 905"):
        list_boxes(root, options(first_second=905))


def test_a_time_without_people_has_no_box(root):
    (root / "annotations" / "ava_val_v2.2.csv").write_text("1j20qq1JyX4,1000,,,,,,\n")

    assert {box.video_id for box in list_boxes(root, options())} == {"-5KQ66BBWC4"}


def test_absent_films_are_missing_and_others_unlisted(root):
    (root / "1j20qq1JyX4.mp4").rename(root / "another.mp4")

    kinds = [(item.video_id, item.kind) for item in list_videos(root, options()).problems]
    assert kinds == [("1j20qq1JyX4", "missing"), ("another", "unlisted")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,0902,0.1,0.2,0.3", "expected video,timestamp,x1,y1,x2,y2,action,person"),
        ("x,0902,0.1,0.2,left,0.4,12,1", "expected video,timestamp"),
        ("x,0902,0.3,0.2,0.1,0.4,12,1", "expected a box with 0 <= x1 <= x2 <= 1"),
        ("x,0902,0.3,0.2,1.5,0.4,12,1", "expected a box .* found 0.3, 0.2, 1.5, 0.4"),
        ("x,0902,nan,0.2,0.5,0.4,12,1", "expected a box"),
    ],
)
def test_rows_of_another_form_are_refused(root, row, message):
    (root / "annotations" / "ava_val_v2.2.csv").write_text(f"{VAL}{row}\n")

    with pytest.raises(DatasetError, match=rf"ava_val_v2\.2\.csv line 2: {message}"):
        list_boxes(root, options())


def test_a_wrong_list_of_exclusions_is_refused(root):
    path = root / "annotations" / "ava_val_excluded_timestamps_v2.2.csv"
    path.write_text("1j20qq1JyX4\n")

    with pytest.raises(DatasetError, match="line 1: expected video,timestamp"):
        list_boxes(root, options())


def test_both_forms_of_the_label_map_are_read(tmp_path):
    path = tmp_path / "labels.pbtxt"
    path.write_text('label {\n  name: "sit"\n  label_id: 11\n  label_type: PERSON_MOVEMENT\n}\n')

    assert read_label_map(path) == {11: "sit"}
    path.write_text(LABELS)
    assert read_label_map(path) == {12: "stand", 80: "watch (a person)"}


@pytest.mark.parametrize(
    ("text", "message"), [("", "expected entries"), ("item {\n id: 3\n}", "expected name and id")]
)
def test_a_map_without_classes_is_refused(tmp_path, text, message):
    path = tmp_path / "labels.pbtxt"
    path.write_text(text)

    with pytest.raises(DatasetError, match=message):
        read_label_map(path)


def test_the_version_names_the_files(root):
    names = [path.name for path in required_paths(root, options(version="v2.1"))]

    assert names[0] == "ava_train_v2.1.csv"
    assert names[-1] == "ava_action_list_v2.1_for_activitynet_2018.pbtxt"
    assert split_names(options()) == ("split1",)
