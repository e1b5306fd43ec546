import pytest

from pipelines.data.images import ImagesOptions, list_videos, split_names
from pipelines.data.manifest import Video
from pipelines.io.errors import DatasetError


def options(**changes):
    return ImagesOptions(adapter="images", root=".", num_shards=1, **changes)


def make_files(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.fixture
def many(tmp_path):
    make_files(
        tmp_path, *(f"{name}/{number:02d}.JPEG" for name in ("cat", "dog") for number in range(20))
    )
    return tmp_path


def drawn(root, **changes):
    return {video.video_id for video in list_videos(root, options(**changes)).videos}


def test_every_image_is_a_training_video_of_its_folders_class(tmp_path):
    make_files(tmp_path, "cat/a.JPEG", "dog/deep/b.png", "cat/notes.txt", "cat/c.mp4")

    listing = list_videos(tmp_path, options())

    assert listing.problems == []
    assert listing.videos == [
        Video("cat/a", "cat/a.JPEG", "cat", None, {"all": "train"}),
        Video("dog/deep/b", "dog/deep/b.png", "dog", None, {"all": "train"}),
    ]


@pytest.mark.parametrize("above", ["", "train/", "ILSVRC/Data/CLS-LOC/train/"])
def test_the_official_layout_of_imagenet_is_found_at_any_depth(tmp_path, above):
    fish, bird = "n01440764", "n01530575"
    make_files(tmp_path, *(f"{above}{fish}/{fish}_{number}.JPEG" for number in (10026, 10027, 9)))
    make_files(tmp_path, f"{above}{bird}/{bird}_7.JPEG")

    listing = list_videos(tmp_path, options(images_per_class=1))

    assert listing.problems == []
    assert [video.label for video in listing.videos] == [fish, bird]
    assert listing.videos[1].path == f"{above}{bird}/{bird}_7.JPEG"


def test_other_parts_of_imagenet_are_left_alone(tmp_path):
    names = ("train/n01440764/n01440764_1.JPEG", "val/ILSVRC2012_val_00000001.JPEG")
    make_files(tmp_path, *names, "val/n01440764/ILSVRC2012_val_00000002.JPEG", "sample.png")

    listing = list_videos(tmp_path, options())

    assert [video.path for video in listing.videos] == [names[0]]
    assert {item.kind for item in listing.problems} == {"unlisted"}
    assert len(listing.problems) == 3


def test_so_many_of_each_class_are_drawn(many):
    found = drawn(many, images_per_class=5)

    assert len(found) == 10
    assert sum(key.startswith("cat/") for key in found) == 5


def test_the_draw_follows_the_seed_and_grows(many):
    five = drawn(many, images_per_class=5)

    assert drawn(many, images_per_class=5) == five
    assert drawn(many, images_per_class=5, seed=1) != five
    assert five < drawn(many, images_per_class=10)
    assert {key[-2:] for key in five if key[:3] == "cat"} != {
        key[-2:] for key in five if key[:3] == "dog"
    }


def test_a_new_class_does_not_change_the_others(many):
    before = drawn(many, images_per_class=3)
    make_files(many, "ant/0.jpg", "ant/1.jpg", "ant/2.jpg")

    assert before < drawn(many, images_per_class=3)


def test_too_few_images_are_refused_with_the_number(many):
    with pytest.raises(DatasetError, match="class cat has 20 images, images_per_class asks for 21"):
        list_videos(many, options(images_per_class=21))


def test_strays_and_twins_are_problems(tmp_path):
    make_files(tmp_path, "x.jpg", "cat/y.jpg", "cat/y.png")

    listing = list_videos(tmp_path, options(images_per_class=1))

    assert [video.path for video in listing.videos] == ["cat/y.jpg"]
    assert [(item.video_id, item.kind) for item in listing.problems] == [
        ("cat/y", "duplicate"),
        ("x", "mislabelled"),
    ]


def test_split_names():
    assert split_names(options()) == ("all",)
