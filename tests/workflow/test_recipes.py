"""What methods share and what they keep apart, planned from nothing."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from pipelines.frames.frame_store import FrameStore
from pipelines.io.sections import merged

SMOKE = {"dataset": "demo_smoke", "source": ["demo_smoke"], "methods": ["motionfit"]}
PSEUDO_LABELS = ("train_generator", "extract_features", "fit_clusters", "assign_pseudolabels")


def target(preset="smoke", **changes):
    return SMOKE | {"preset": preset} | changes


def test_students_of_several_backbones_share_their_pseudo_labels(workspace):
    student = {"base": "smoke", "backbones": {"appearance": "s3d-g"}}
    work = workspace(
        presets={"student": student}, targets={"one": target(), "two": target("student")}
    )

    plan = work.plan("results/one_table5.csv", "results/two_table5.csv")

    counts = Counter(rule for rule, _ in plan)
    # Two shards of one dataset.
    assert [counts[rule] for rule in PSEUDO_LABELS] == [1, 2, 1, 1]
    assert counts["self_train"] == counts["finetune"] == 2
    assert all("/smoke/" in path for rule, path in plan if rule in PSEUDO_LABELS)


def test_a_view_has_places_of_its_own_from_the_choice_of_videos_on(workspace):
    view = {"dataset": "demo_smoke", "exclude_classes": ["spin"]}
    targets = {"whole": target(), "part": target(source=["fewer"])}

    plan = workspace(views={"fewer": view}, targets=targets).plan(
        "results/whole_table5.csv", "results/part_table5.csv"
    )

    counts = Counter(rule for rule, _ in plan)
    assert (counts["decode_frames"], counts["train_generator"], counts["extract_features"]) == (
        2,
        1,
        2,
    )
    for rule in ("select_source", "fit_clusters", "assign_pseudolabels", "self_train"):
        paths = [path for found, path in plan if found == rule]
        assert ["fewer.split1" in path for path in sorted(paths)] == [False, True]


def test_two_splits_of_a_dataset_are_a_source_and_list_each_shard_once(workspace, make_video):
    few = {"adapter": "csv", "root": "few", "annotations": "few.csv", "num_shards": 2}
    both = target(dataset="few", source=["few:one", "few:two"])
    work = workspace(
        datasets={"few": few | {"splits": ["one", "two"]}},
        targets={"both": both | {"splits": ["one"]}},
    )
    for name in ("a", "b"):
        make_video(work.folder / f"few/{name}.avi", num_frames=4)
    rows = ("video,label,group,one,two", "a.avi,jump,,train,test", "b.avi,jump,,test,train")
    (work.folder / "few/few.csv").write_text("\n".join(rows) + "\n")

    answer = work.snakemake("results/both_table5.csv", "-n", "-p")

    assert answer.returncode == 0, answer.stdout
    lists = [path.read_text().split() for path in work.folder.glob("scratch/lists/*.txt")]
    assert lists
    assert [paths for paths in lists if len(set(paths)) < len(paths)] == []
    # One manifest per part, in their order.
    folder = "results/data/few/splits"
    assert f"--manifests {folder}/one.parquet {folder}/two.parquet --out" in answer.stdout


@pytest.mark.parametrize(
    ("edges", "read", "unread"),
    [
        ({"flow": "tvl1"}, {"flow": {"tvl1": {"num_warps": 7}}}, {"raft": {"num_updates": 7}}),
        ({"flow": "raft"}, {"raft": {"num_updates": 7}}, {"flow": {"tvl1": {"num_warps": 7}}}),
    ],
)
def test_motion_maps_depend_on_the_parameters_of_their_own_flow_alone(
    workspace, edges, read, unread
):
    def preset(name, motion):
        return {name: {"base": "smoke", "motion": {"edges": edges, **motion}}}

    names = "plain", "other", "changed"
    presets = preset("plain", {}) | preset("other", unread) | preset("changed", read)
    presets |= {name: presets[name] | {"base": "plain"} for name in names[1:]}
    work = workspace(presets=presets)
    shard = "results/motion/edges/plain/demo_smoke/shard-0000-of-0002.h5"

    model = "modist/demo_smoke.split1/seed0/model.pt"
    plan = work.plan(*(f"results/pretraining/{name}/{model}" for name in names))
    before, after = (
        work.snakemake(shard, "-n", "-p", overlay={"presets": {"plain": {"motion": motion}}})
        for motion in ({}, unread)
    )

    made = {path.split("/")[3] for rule, path in plan if rule == "index_edges"}
    assert len(made) == 2
    assert "changed" in made
    assert "other" not in made
    assert before.returncode == 0, before.stdout
    # The same command as before: nothing is made anew.
    assert extraction(before.stdout) == extraction(after.stdout)


def extraction(listing):
    """The shell command that makes motion maps."""
    return re.search(r"python -m pipelines\.motion\.extract_edges .*", listing)[0]


def test_a_missing_list_of_classes_stops_before_any_job(workspace):
    view = {"dataset": "demo_smoke", "exclude_classes": "gone.txt"}
    work = workspace(views={"fewer": view}, targets={"part": target(source=["fewer"])})

    answer = work.snakemake("results/part_table5.csv", "-n")

    assert answer.returncode != 0
    assert "views.fewer.exclude_classes: gone.txt: no such file; expected a text" in answer.stdout
    assert "Traceback" not in answer.stdout


def test_the_appearance_generator_starts_from_a_recipe_on_its_own_videos(workspace):
    started = {"base": "smoke", "training": {"generator_appearance": {"initial": "vcop"}}}
    board = target("started", methods=["appearance", "motionfit"])

    plan = workspace(presets={"started": started}, targets={"board": board}).plan(
        "results/board_table5.csv"
    )

    outputs = {rule: sorted(path for found, path in plan if found == rule) for rule, _ in plan}
    assert outputs["pretrain"] == [
        "results/pretraining/smoke/vcop/demo_smoke.split1/seed0/model.pt"
    ]
    # Only what follows from the appearance generator is the preset's own.
    flow, rgb = outputs["train_generator"]
    assert flow.startswith("results/training/generator/smoke/demo_smoke.split1.flow")
    assert rgb.startswith("results/training/generator/started/demo_smoke.split1.rgb")
    assert [path.split("/")[3] for path in outputs["self_train"]] == ["smoke", "started"]


def test_published_weights_are_a_row_and_a_start(workspace):
    stanza = {"path": "official.pt", "layout": "ours"}
    preset = {
        "base": "smoke",
        "weights": {"official": stanza},
        "pretraining": {"vcop": {"initial": "official"}},
        "training": {"generator_appearance": {"initial": "official"}},
    }
    board = target("foreign", leaderboard=["official", "vcop", "appearance"])
    work = workspace(presets={"foreign": preset}, targets={"board": board})

    missing = work.snakemake("results/board_leaderboard.csv", "-n")
    (work.folder / "official.pt").write_bytes(b"weights")
    plan = work.plan("results/board_leaderboard.csv")

    assert missing.returncode != 0
    assert "presets.foreign.weights.official.path: official.pt: no such file" in missing.stdout
    assert "Traceback" not in missing.stdout
    outputs = {rule: sorted(path for found, path in plan if found == rule) for rule, _ in plan}
    assert outputs["import_weights"] == ["results/pretraining/weights/foreign/official.pt"]
    assert len(outputs["finetune"]) == 3
    assert [path.split("/")[2] for path in outputs["pretrain"]] == ["foreign"]
    assert [path.split("/")[3] for path in outputs["train_generator"]] == ["foreign"]


def test_recipes_of_pseudo_labels_ask_for_what_they_learn_from(workspace):
    board = target(leaderboard=["idt_labels", "vcop_labels", "modist_labels"])

    plan = workspace(targets={"board": board}).plan("results/board_leaderboard.csv")

    recipes = sorted(path.split("/")[3] for rule, path in plan if rule == "pretrain")
    assert recipes == ["idt_labels", "modist", "modist_labels", "vcop", "vcop_labels"]
    assert Counter(rule for rule, _ in plan)["cluster_vectors"] == 1


def test_watched_labels_are_asked_for_and_checked_first(workspace):
    def watching(split):
        score = {"dataset": "demo_smoke", "split": split}
        return {"base": "smoke", "pretraining": {"vcop": {"neighbour_score": score}}}

    targets = {
        name: target(name, leaderboard=["vcop"], source=["demo_smoke"]) for name in ("good", "bad")
    }
    presets = {"good": watching("split1"), "bad": watching("split9")}
    work = workspace(presets=presets, targets=targets)

    plan = work.plan("results/good_leaderboard.csv")
    answer = work.snakemake("results/bad_leaderboard.csv", "-n")

    (trained,) = [path for rule, path in plan if rule == "pretrain"]
    assert trained == "results/pretraining/good/vcop/demo_smoke.split1/seed0/model.pt"
    assert answer.returncode != 0
    assert (
        "presets.bad.pretraining.vcop.neighbour_score: demo_smoke has no split 'split9'"
        in answer.stdout
    )


def test_where_networks_look_is_drawn_from_the_runs_of_a_table(workspace):
    figures = "results/figures"
    work = workspace()

    counts = work.counts(
        "results/smoke_modist_table2.csv",
        f"{figures}/attention/smoke/modist_linear/modist-random.png",
        f"{figures}/pretext/smoke/mosi/demo_smoke.split1/seed0.png",
        f"{figures}/retrieval/smoke/mosi/split1/seed0.png",
    )
    alone = work.counts("results/smoke_modist_table2.csv")

    assert counts["draw_attention"] == counts["draw_pretext"] == 1
    # What is retrieved by is as pretrained: nothing is fine-tuned for it.
    assert counts["draw_retrieval"] == counts["retrieve"] == 1
    # MoSI's network, and the flow that it is compared with.
    assert counts["pretrain"] == alone["pretrain"] + 1
    assert counts["extract_flow"] == 2
    # MoDist's probe is the table's; random weights have none there.
    assert counts["finetune"] == alone["finetune"] + 1


def test_wrong_rows_and_protocols_of_a_figure_are_told_the_choices(workspace):
    work, figures = workspace(), "results/figures"
    for path, message in (
        ("attention/smoke/linear_probe/modist-nobody", "no row 'nobody' with a network; choices:"),
        ("retrieval/smoke/idt_svm/split1/seed0", "no row 'idt_svm' with a network; choices:"),
        ("attention/smoke/linear/modist-random", "protocol: found 'linear'"),
        ("pretext/smoke/vcop/demo_smoke.split1/seed0", "no pseudo motions apart; choices: mosi"),
    ):
        answer = work.snakemake(f"{figures}/{path}.png", "-n")
        assert answer.returncode != 0
        assert message in answer.stdout, answer.stdout
        assert "Traceback" not in answer.stdout


def test_clips_that_need_larger_frames_are_cut_from_frames_of_their_own(smoke, tmp_path):
    # Crops larger than all other stored frames.
    larger = {"frame_size": [64, 80], "crop_px": 56, "num_frames": 8}
    preset = {
        "training": {"self_training": {"clips": larger}},
        "evaluation": {"clips": larger},
        # Its motion maps stay as they are, beside larger frames.
        "pretraining": {"video_ir": {"clips": larger}, "modist": {"clips": larger}},
    }
    overlay = {
        "presets": {"smoke": preset},
        "targets": {
            "smoke": {"methods": ["random", "motionfit"], "leaderboard": ["video_ir", "modist"]}
        },
    }
    work = smoke.copy(tmp_path / "work")
    work = replace(work, base=merged(work.base, overlay))

    counts = work.counts("results/smoke_table5.csv", "results/smoke_leaderboard.csv")
    work.make("results/smoke_table5.csv", "results/smoke_leaderboard.csv")

    # One decoding for all of them; the generator and its pseudo-labels stay.
    assert (counts["decode_frames"], counts["index_frames"]) == (2, 1)
    assert (counts["self_train"], counts["pretrain"], counts["finetune"]) == (1, 2, 4)
    assert not {"extract_flow", "train_generator", "assign_pseudolabels"} & counts.keys()
    (folder,) = work.folder.glob("results/frames/smoke-*/demo_smoke")
    assert FrameStore(sorted(folder.glob("*.h5")), cache_mb=1).size == (64, 80)
    assert work.plan("results/smoke_table5.csv", "results/smoke_leaderboard.csv") == []
