"""After a finished run an edit re-runs exactly what depends on it."""

import re
import shutil
from dataclasses import replace

import pytest
import yaml

from pipelines.data.manifest import read_manifest
from pipelines.io.sections import merged
from tests.workflow.conftest import MINE_STAGES

TABLE = "results/smoke_table5.csv"

# The rows are random, appearance, mers, mars and motionfit; two shards; one seed. Pseudo-labels
# by motion feed motionfit, by RGB appearance; the motion generator teaches mers and mars.
ROWS = {"finetune": 5, "test_model": 5, "build_table5": 1}
ONE_ROW = {"finetune": 1, "test_model": 1, "build_table5": 1}
SELF_TRAINED = {"self_train": 2, "finetune": 2, "test_model": 2, "build_table5": 1}
CLUSTERED = {"fit_clusters": 2, "assign_pseudolabels": 2} | SELF_TRAINED
CLIPS = {"train_generator": 2, "extract_features": 4, "distill_motion": 1} | CLUSTERED | ROWS
FLOW = {
    "extract_flow": 2,
    "train_generator": 1,
    "extract_features": 2,
    "fit_clusters": 1,
    "assign_pseudolabels": 1,
    "self_train": 1,
    "distill_motion": 1,
    "finetune": 3,
    "test_model": 3,
    "build_table5": 1,
}
FRAMES = {"decode_frames": 2, "index_frames": 1, "extract_flow": 2} | CLIPS
ANOTHER_SEED = {rule: n for rule, n in CLIPS.items() if rule != "extract_flow"}


def in_preset(path, value):
    """An overlay that sets one value of the smoke preset."""
    for key in reversed(["presets", "smoke", *path.split(".")]):
        value = {key: value}
    return value


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param(
            {"compute": {"num_processes": 2, "num_threads": 2, "num_workers": 1}}, {}, id="machine"
        ),
        pytest.param({"limits": {"max_skipped_fraction": 0.5}}, {}, id="limit"),
        pytest.param(in_preset("frames.size", [32, 44]), FRAMES, id="frames"),
        pytest.param(in_preset("motion.flow.tvl1.num_warps", 1), FLOW, id="motion"),
        pytest.param(in_preset("motion.flow.source", "raft"), FLOW, id="RAFT instead"),
        pytest.param(in_preset("motion.raft.num_updates", 7), {}, id="RAFT that nothing uses"),
        pytest.param(in_preset("clips.horizontal_flip", False), CLIPS, id="clips"),
        pytest.param(
            in_preset("training.generator_appearance.dropout", 0.123),
            {"train_generator": 1, "extract_features": 2, "fit_clusters": 1}
            | {"assign_pseudolabels": 1, "self_train": 1}
            | ONE_ROW,
            id="appearance generator",
        ),
        pytest.param(
            # The appearance generator starts from the motion generator's values.
            merged(
                in_preset("training.generator.class_weight", 0.5),
                in_preset("training.generator_appearance.class_weight", 1.0),
            ),
            {rule: n for rule, n in FLOW.items() if rule != "extract_flow"},
            id="clip order",
        ),
        pytest.param(
            in_preset("training.self_training.neighbour_labels", True),
            SELF_TRAINED,
            id="neighbours",
        ),
        pytest.param(
            in_preset("training.self_training.clips.frame_size", [40, 50]),
            {"decode_frames": 2, "index_frames": 1} | SELF_TRAINED,
            id="frames of the student",
        ),
        pytest.param(in_preset("clustering.kmeans.num_clusters", 3), CLUSTERED, id="clusters"),
        pytest.param(in_preset("training.self_training.dropout", 0.123), SELF_TRAINED, id="self"),
        pytest.param(
            # random has a rate of its own.
            in_preset("evaluation.finetuning.optimizer.learning_rate", 0.00123),
            {"finetune": 4, "test_model": 4, "build_table5": 1},
            id="fine-tuning rate",
        ),
        pytest.param(in_preset("evaluation.finetuning.dropout", 0.123), ROWS, id="fine-tuning"),
        pytest.param(
            in_preset("evaluation.methods.mers.optimizer.learning_rate", 0.00123), ONE_ROW, id="row"
        ),
        pytest.param(
            in_preset("evaluation.test.num_clips", 3),
            {"test_model": 5, "build_table5": 1},
            id="test",
        ),
        pytest.param({"targets": {"smoke": {"seeds": [0, 1]}}}, ANOTHER_SEED, id="seed"),
    ],
)
def test_edit_of_a_value(smoke, overlay, expected):
    assert smoke.counts(TABLE, overlay=overlay) == expected


def test_edit_of_one_row_spares_the_other_rows(smoke):
    plan = smoke.plan(TABLE, overlay=in_preset("evaluation.methods.mers.dropout", 0.123))

    row = "results/evaluation/smoke/mers/split1/seed0"
    assert sorted(plan) == [
        ("build_table5", TABLE),
        ("finetune", f"{row}/model.pt"),
        ("test_model", f"{row}/test.parquet"),
    ]


def test_comments_and_key_order_rerun_nothing(smoke, tmp_path):
    # An overlay in which every key of the config stands in reverse order, and no comment.
    config = yaml.safe_load((smoke.folder / "config.yaml").read_text())
    work = smoke.copy(tmp_path / "work")
    text = yaml.safe_dump(reversed_keys(merged(config, smoke.base)), sort_keys=False)
    (work.folder / "config.yaml").write_text(text)

    assert text.index("compute:") < text.index("targets:")
    assert work.plan(TABLE) == []


def reversed_keys(value):
    if not isinstance(value, dict):
        return value
    return {key: reversed_keys(value[key]) for key in reversed(value)}


@pytest.fixture
def annotated(mine, tmp_path):
    """The folder's videos with an annotation table: the workspace, and a function that plans by it.

    Its columns are split1 and few; all files are the folder's.
    """
    table = {"adapter": "csv", "annotations": "../annotations.csv", "splits": ["split1", "few"]}
    work = mine.copy(tmp_path / "work")
    work = replace(work, base=merged(work.base, {"datasets": {"mine": table}}))

    def planned(files, change=None, **keys):
        names = sorted(path.name for path in (work.folder / "videos").iterdir())
        lines = [
            f"{name},{'run' if number % 2 else 'jump'},g{number % 3},train,test\n"
            for number, name in enumerate(names)
        ]
        text = "video,label,group,split1,few\n" + "".join(lines)
        (work.folder / "annotations.csv").write_text(text.replace(*change, 1) if change else text)
        return sorted(work.plan(*files, overlay={"datasets": {"mine": keys}}))

    return work, planned


def test_edits_of_labels_and_splits_open_and_decode_no_video_anew(annotated):
    work, planned = annotated
    again = [("build_manifest", MINE_STAGES[0])]

    # The same files as the folder's, and something new said of them.
    assert planned(MINE_STAGES) == again
    work.make(*MINE_STAGES)
    assert planned(MINE_STAGES) == []
    assert {video.label for video in read_manifest(work.folder / MINE_STAGES[0])} == {"jump", "run"}
    assert planned(MINE_STAGES, ("jump,g0", "run,g0")) == again
    assert planned(MINE_STAGES, (",g2", ",g3")) == again
    assert planned(MINE_STAGES, ("train", "unlabelled")) == again
    assert planned(MINE_STAGES, splits=["few"]) == again


def test_an_edit_of_one_split_trains_nothing_of_another(annotated):
    work, planned = annotated
    generator = "results/training/generator/smoke/mine.split1.rgb.seed0/model.pt"
    source = "results/data/sources/mine.split1.parquet"
    manifest, split = ("build_manifest", MINE_STAGES[0]), "results/data/mine/splits/split1.parquet"
    files = [MINE_STAGES[0], generator, source]
    planned(files)
    work.make(*files)
    assert planned(files) == []

    assert planned(files, (",test", ",train")) == [manifest]
    assert planned(files, splits=["split1"]) == [manifest]
    own = [("select_source", source), ("select_split", split), ("train_generator", generator)]
    assert planned(files, ("train", "unlabelled")) == [manifest, *own]
    assert planned(files, ("jump,g", "run,g")) == [manifest, *own]


@pytest.mark.parametrize(
    "root", ["./videos", "videos//", pytest.param("{folder}/videos", id="absolute")]
)
def test_another_spelling_of_a_root_reruns_nothing(mine, root):
    overlay = {"datasets": {"mine": {"root": root.format(folder=mine.folder)}}}

    assert mine.plan(*MINE_STAGES, overlay=overlay) == []


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("tables/markdown.py", {"build_table5": 1}),
        ("evaluation/test_model.py", {"test_model": 5, "build_table5": 1}),
        ("clustering/kmeans.py", CLUSTERED),
        ("motion/sources.py", FLOW),
        # Every command that reads clips, none of data, frames and motion.
        ("clips/transforms.py", CLIPS),
    ],
)
def test_edit_of_a_module_reruns_the_rules_that_import_it(smoke, tmp_path, module, expected):
    edited = with_edit(smoke, tmp_path, module, lambda text: f"{text}\nEDITED = 1\n")

    assert edited.counts(TABLE) == expected


def test_edit_of_docstrings_and_comments_reruns_nothing(smoke, tmp_path):
    def edit(text):
        return "# A comment.\n" + re.sub(r'"""(?=[A-Z])', '"""Edited. ', text)

    edited = with_edit(smoke, tmp_path, "clustering/kmeans.py", edit)

    assert edited.plan(TABLE) == []


def with_edit(smoke, tmp_path, module, edit):
    """The finished run, seen by a copy of the code with one module edited."""
    code = shutil.copytree(smoke.code, tmp_path / "code")
    path = code / "pipelines" / module
    text = edit(path.read_text())
    assert text != path.read_text()
    path.write_text(text)
    return type(smoke)(smoke.folder, code, smoke.base)


def test_a_frozen_run_makes_what_is_missing_and_lists_what_is_stale(smoke, tmp_path):
    edited = with_edit(
        smoke, tmp_path, "clustering/kmeans.py", lambda text: f"{text}\nEDITED = 1\n"
    )
    overlay = in_preset("evaluation.methods.mers.dropout", 0.123)
    frozen = ["--workflow-profile", str(edited.code / "workflow/profiles/frozen")]

    assert edited.plan(TABLE, *frozen, overlay=overlay) == []

    listed = edited.execute(["pipelines.io.list_stale", TABLE, "--", *edited.arguments(overlay)])
    assert listed.returncode == 0, listed.stdout
    for stale in ("assign_pseudolabels", "results/evaluation/smoke/mers/split1/seed0/model.pt"):
        assert stale in listed.stdout
    assert "extract_flow" not in listed.stdout

    another = TABLE.replace(".csv", ".html")
    assert [rule for rule, _ in edited.plan(another, *frozen)] == ["render_page"]
