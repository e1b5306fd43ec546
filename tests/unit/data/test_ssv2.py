import json

import pytest

from pipelines.data.manifest import Video
from pipelines.data.ssv2 import Ssv2Options, class_of, list_videos, required_paths, split_names
from pipelines.io.errors import DatasetError

OPTIONS = Ssv2Options(adapter="ssv2", root=".", num_shards=1)
HOLDING = "Holding [something] next to [something]"
MOVING = "Moving [something] up"
OLD = "something-something-v2-"


def annotate(root, train, validation=(), folder="labels", prefix=""):
    """The official files: templates without brackets in the labels, with them elsewhere."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    classes = {"Holding something next to something": "0", "Moving something up": "1"}
    contents = {"labels": classes, "train": list(train), "validation": list(validation)}
    for name, content in contents.items():
        (root / folder / f"{prefix}{name}.json").write_text(json.dumps(content))


def record(number, template):
    things = ["potato", "bottle"]
    return {"id": number, "label": "as told", "template": template, "placeholders": things}


def touch(root, *numbers):
    folder = root / "20bn-something-something-v2"
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"{number}.webm").touch()


def kinds(listing):
    return [(item.video_id, item.kind) for item in listing.problems]


@pytest.mark.parametrize(
    ("folder", "prefix"), [("labels", ""), ("", ""), ("annotations", OLD), ("", OLD)]
)
def test_both_official_names_are_found(tmp_path, folder, prefix):
    annotate(tmp_path, [record("78687", HOLDING)], [record("74225", MOVING)], folder, prefix)
    touch(tmp_path, 78687, 74225)

    listing = list_videos(tmp_path, OPTIONS)

    assert listing.problems == []
    where = "20bn-something-something-v2"
    assert listing.videos == [
        Video("74225", f"{where}/74225.webm", "Moving something up", None, {"split1": "test"}),
        Video(
            "78687",
            f"{where}/78687.webm",
            "Holding something next to something",
            None,
            {"split1": "train"},
        ),
    ]


def test_absent_videos_are_missing_and_others_unlisted(tmp_path):
    annotate(tmp_path, [record("1", HOLDING), record("2", HOLDING)])
    touch(tmp_path, 2, 3)

    listing = list_videos(tmp_path, OPTIONS)

    assert [video.video_id for video in listing.videos] == ["2"]
    assert kinds(listing) == [("1", "missing"), ("20bn-something-something-v2/3", "unlisted")]


def test_a_video_in_both_parts_is_mislabelled(tmp_path):
    annotate(tmp_path, [record("1", HOLDING)], [record("1", HOLDING)])
    touch(tmp_path, 1)

    assert kinds(list_videos(tmp_path, OPTIONS)) == [("1", "mislabelled")]


def test_a_template_of_another_release_is_refused(tmp_path):
    annotate(tmp_path, [record("1", "Juggling [something]")])

    with pytest.raises(DatasetError, match=r"train\.json: video 1 has .*Juggling .* no class"):
        list_videos(tmp_path, OPTIONS)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train", "{", "expected a JSON file"),
        ("train", "{}", "expected a list of objects"),
        ("train", '[{"id": "1"}]', "entry 0: expected an object with id and template"),
        ("labels", "[]", "expected an object of templates"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, name, text, message):
    annotate(tmp_path, [])
    (tmp_path / "labels" / f"{name}.json").write_text(text)

    with pytest.raises(DatasetError, match=rf"{name}\.json: {message}"):
        list_videos(tmp_path, OPTIONS)


def test_what_is_looked_for_first_is_named(tmp_path):
    names = ("labels.json", "train.json", "validation.json")

    assert required_paths(tmp_path, OPTIONS) == [tmp_path / "labels" / name for name in names]


def test_brackets_are_no_part_of_a_class():
    assert class_of(MOVING) == "Moving something up"
    assert split_names(OPTIONS) == ("split1",)
