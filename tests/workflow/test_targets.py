"""Every target of config.yaml parses; without its data it stops with one message."""

import json
import re
from pathlib import Path

import pytest

from tests.workflow.workspace import REPOSITORY

TABLES = sorted(path.stem for path in (REPOSITORY / "workflow/tables").glob("*.yaml"))
UCF101 = "results/ucf101_table5.csv"
NUM_SPLITS, NUM_SHARDS, NUM_ROWS = 3, 52, 6

# One dataset, two generators (flow and RGB), five rows: no labelled source, no supervised row.
ONE_SEED = {
    "generate_demo": 1,
    "build_manifest": 1,
    "select_split": 1,
    "select_source": 1,
    "report_overlap": 1,
    "index_frames": 1,
    "build_table5": 1,
}
PER_SHARD = {"probe_videos": 1, "decode_frames": 1, "extract_flow": 1}
PER_SEED = {
    "train_generator": 2,
    "fit_clusters": 2,
    "assign_pseudolabels": 2,
    "self_train": 2,
    "distill_motion": 1,
    "finetune": 5,
    "test_model": 5,
}


@pytest.fixture
def ucf101(tmp_path, make_video):
    """Two classes of the official layout; every split trains on one recording group."""
    root = tmp_path / "work/data/ucf101"
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    classes = ("JumpRope", "Punch")
    (lists / "classInd.txt").write_text("1 JumpRope\r\n2 Punch\r\n")
    for split in range(1, 4):
        for role, group in (("train", split), ("test", split % 3 + 1)):
            names = [
                f"{name}/v_{name}_g0{group}_c01.avi{f' {number}' if role == 'train' else ''}"
                for number, name in enumerate(classes, 1)
            ]
            (lists / f"{role}list0{split}.txt").write_text("\r\n".join(names) + "\r\n")
    for name in classes:
        for group in range(1, 4):
            video = root / "UCF-101" / name / f"v_{name}_g0{group}_c01.avi"
            make_video(video, num_frames=4, seed=group)
    return root


@pytest.mark.parametrize(
    ("target", "num_shards", "num_seeds"), [("smoke", 2, 1), ("demo", 4, 1), ("demo_3seeds", 4, 3)]
)
def test_generated_target_plans_every_job(workspace, target, num_shards, num_seeds):
    expected = dict(ONE_SEED)
    expected |= {rule: count * num_shards for rule, count in PER_SHARD.items()}
    expected |= {rule: count * num_seeds for rule, count in PER_SEED.items()}
    expected["extract_features"] = 2 * num_shards * num_seeds

    assert workspace().counts(f"results/{target}_table5.csv") == expected


def test_missing_data_stop_before_any_job_with_one_message(workspace):
    work = workspace()

    answer = work.snakemake(UCF101, "--cores", "1")

    assert answer.returncode != 0
    for part in (
        "dataset ucf101 is not there: looked for folder data/ucf101",
        "ucfTrainTestlist/classInd.txt, trainlist01.txt .. testlist03.txt",
        "University of Central Florida",
        "Another place is named by datasets.ucf101.root.",
        # Whoever fetches UCF101 shall not meet a second message afterwards.
        "dataset kinetics400 is not there: looked for folder data/kinetics400",
    ):
        assert answer.stdout.count(part) == 1, answer.stdout
    assert f"(in {work.folder})" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert "Exception" not in answer.stdout
    assert not (work.folder / "results").exists()
    assert list((work.folder / ".snakemake").glob("locks/*")) == []


@pytest.mark.parametrize("shard", ["0000-of-0004", "0002-of-0002"])
def test_a_shard_that_the_dataset_does_not_have_is_refused(workspace, shard):
    wrong = f"results/data/demo_smoke/probed/shard-{shard}.parquet"

    answer = workspace().snakemake(wrong, "-n")

    assert answer.returncode != 0
    assert f"shard-{shard} of dataset demo_smoke: no such shard" in answer.stdout
    assert "num_shards is 2, ask for shard-0000-of-0002 to shard-0001-of-0002" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert "Exception" not in answer.stdout


def test_ucf101_without_kinetics_hears_how_to_name_another_source(workspace, ucf101):
    answer = workspace().snakemake(UCF101, "-n")

    assert answer.returncode != 0
    assert "dataset ucf101" not in answer.stdout
    assert "dataset kinetics400 is not there" in answer.stdout
    assert "Without Kinetics, name another source" in answer.stdout
    assert "source: [ucf101]" in answer.stdout


def test_ucf101_as_its_own_source(workspace, ucf101):
    counts = workspace(targets={"ucf101": {"source": ["ucf101"]}}).counts(UCF101)

    # In the paper's setting one generator, of split 1, serves all splits.
    assert counts["train_generator"] == 2
    assert counts["extract_features"] == 2 * NUM_SHARDS
    assert counts["decode_frames"] == counts["extract_flow"] == NUM_SHARDS
    # UCF101 has labels: the supervised row is measured too, on each split's training videos.
    assert counts["train_supervised"] == NUM_SPLITS
    assert counts["finetune"] == counts["test_model"] == NUM_ROWS * NUM_SPLITS
    assert counts["build_table5"] == 1


def test_every_table_plans_with_the_values_of_the_papers(workspace, ucf101):
    # What a demo's preset keeps as its own, such as sizes, is exchanged here alone.
    kinetics = ucf101.parent / "kinetics400"
    for part in ("train", "val"):
        for name in ("juggling", "waving"):
            video = kinetics / part / name / f"{part}{name:>11.11}_000001_000011.mp4"
            video.parent.mkdir(parents=True)
            video.touch()
    names = ("ucf101", "kinetics400", "kinetics400_val")
    few = {"datasets": {name: {"num_shards": 2} for name in names}}

    planned = workspace(**few).plan(*(f"results/ucf101_{name}.csv" for name in TABLES))

    assert sum(rule == "build_table" for rule, _ in planned) == len(TABLES)
    # Both kinds of source, and the frames of networks that see more pixels.
    made = {output for _, output in planned}
    assert any("/kinetics400_val/" in output for output in made)
    sizes = {Path(output).parts[2] for output in made if output.startswith("results/frames/")}
    assert len(sizes) > 1


def test_the_papers_second_student_learns_the_labels_of_the_first(workspace, ucf101):
    work = workspace(targets={"ucf101": {"source": ["ucf101"], "splits": ["split1"]}})

    answer = work.snakemake("results/ucf101_table6.csv", "-n", "-p")

    assert answer.returncode == 0, answer.stdout
    trained = [line for line in answer.stdout.splitlines() if "training.self_train " in line]
    assert len(trained) == 2
    configs = [json.loads(re.search("--config '(.*?)' --", line)[1]) for line in trained]
    labels = {re.search(r"--pseudolabels (\S+)", line)[1] for line in trained}
    seen = {config["backbone"]: config["clips"] for config in configs}
    assert len(labels) == 1
    assert {name: (clips["num_frames"], clips["crop_px"]) for name, clips in seen.items()} == {
        "r2plus1d-18": (16, 112),
        "s3d-g": (64, 224),
    }
    assert answer.stdout.count("pipelines.clustering.assign_pseudolabels") == 1
    assert answer.stdout.count("pipelines.motion.extract_flow") == NUM_SHARDS
    # Once at 128 and once at 256 px.
    assert answer.stdout.count("pipelines.frames.decode_frames") == 2 * NUM_SHARDS


def test_a_sweep_tries_recipes_of_any_name(workspace):
    # More trials than two digits number.
    trials = {"evaluation.methods.video_ir.schedule.length": list(range(2, 103))}
    stanza = {"target": "smoke", "overrides": {"validation.fraction": 0.5}}
    work = workspace(sweeps={"rates": stanza | {"grids": {"video_ir": trials}}})

    counts = work.counts("results/rates_sweep.csv")

    # What differs in fine-tuning alone is pretrained once.
    assert counts["pretrain"] == counts["build_sweep"] == 1
    assert counts["finetune"] == counts["test_model"] == 101


@pytest.mark.parametrize("source", ["demo", "mine"])
def test_a_split_that_the_dataset_has_not_is_told_its_splits(workspace, make_video, source):
    # A folder has one split, so that it could serve any.
    mine = {"adapter": "folder", "root": "videos", "num_shards": 1}
    smoke = {"splits": ["split7"], "source": [source]}
    work = workspace(datasets={"mine": mine}, targets={"smoke": smoke})
    make_video(work.folder / "videos/a.avi", num_frames=4)

    answer = work.snakemake("results/smoke_table5.csv", "-n")

    assert answer.returncode != 0
    assert "targets.smoke.splits: found 'split7'; choices: split1" in answer.stdout
    assert "Traceback" not in answer.stdout


@pytest.mark.parametrize(
    ("few", "smoke", "message"),
    [
        (
            {"splits": ["splt1"]},
            {"splits": ["split1"]},
            "annotations.csv: columns splt1 are missing; found video, label, group, split1, few1; "
            "expected video, label, group, splt1 (did you mean 'split1'?)",
        ),
        (
            {},
            {"splits": ["few1"]},
            "targets.smoke.splits: found 'few1'; choices: split1; its table has columns few1 as "
            "well, which datasets.few.splits does not name",
        ),
        (
            {},
            {"source": ["few:few1"]},
            "write few:SPLIT with one of split1; its table has columns few1 as well",
        ),
    ],
)
def test_a_split_that_is_no_column_is_told_the_columns(workspace, make_video, few, smoke, message):
    stanza = {"adapter": "csv", "root": "few", "num_shards": 1}
    work = workspace(datasets={"few": stanza | few}, targets={"smoke": {"dataset": "few"} | smoke})
    make_video(work.folder / "few/a.avi", num_frames=4)
    (work.folder / "few/annotations.csv").write_text(
        "video,label,group,split1,few1\na.avi,jump,,train,test\n"
    )

    answer = work.snakemake("results/smoke_table5.csv", "-n")

    assert answer.returncode != 0
    assert message in answer.stdout
    assert "Traceback" not in answer.stdout


@pytest.mark.parametrize(
    ("file", "smoke", "message"),
    [
        ("smoke_table5.csv", {"splits": ["split1"]}, None),
        (
            "smoke_table5.csv",
            {"splits": ["split1", "untested"]},
            "targets.smoke.splits: expected test videos in split untested of dataset few, found 2 "
            "train, 0 test, 0 unlabelled",
        ),
        (
            "smoke_mosi_table1.csv",
            {"splits": ["untrained"]},
            "targets.smoke.splits: expected train videos in split untrained of dataset few",
        ),
        (
            "smoke_table5.csv",
            {"generator": {"dataset": "few", "split": "untrained"}},
            "targets.smoke.generator: expected train videos in split untrained of dataset few",
        ),
        # A source needs no videos to test on.
        ("smoke_table5.csv", {"source": ["few:untested"]}, None),
        # Trials are judged on training videos that are held out.
        ("rates_sweep.csv", {"splits": ["untested"]}, None),
        ("rates_sweep.csv", {"splits": ["untrained"]}, "expected train videos in split untrained"),
    ],
)
def test_what_a_target_evaluates_has_videos_to_train_and_to_test_on(
    workspace, make_video, file, smoke, message
):
    splits = ["split1", "untested", "untrained"]
    few = {"adapter": "csv", "root": "few", "num_shards": 1, "splits": splits}
    grids = {"random": {"evaluation.methods.random.dropout": [0.0]}}
    rates = {"target": "smoke", "overrides": {"validation.fraction": 0.5}, "grids": grids}
    own = {"dataset": "few", "split": "same"}
    target = {"dataset": "few", "source": ["few"], "methods": ["motionfit"], "generator": own}
    work = workspace(
        datasets={"few": few}, targets={"smoke": target | smoke}, sweeps={"rates": rates}
    )
    rows = ("a.avi,jump,g1,train,train,", "b.avi,jump,g2,test,train,test")
    (work.folder / "few").mkdir()
    (work.folder / "few/annotations.csv").write_text(
        "\n".join([f"video,label,group,{','.join(splits)}", *rows]) + "\n"
    )
    for name in ("a", "b"):
        make_video(work.folder / f"few/{name}.avi", num_frames=4)

    answer = work.snakemake(f"results/{file}", "-n")

    assert "Traceback" not in answer.stdout
    assert (answer.returncode == 0) == (message is None), answer.stdout
    assert (message or "") in answer.stdout


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("nope_table5.csv", "targets: found 'nope'; choices: demo, demo_3seeds, smoke"),
        ("smoke_table9.csv", "results/smoke_table9.csv: no such table; "),
        ("smoke_table9.html", "has tables disagreements, idt_figure4, "),
        ("smoke_tabel5.csv", "(did you mean 'results/smoke_table5.csv'?)"),
        ("smoke_table5.cvs", "results/smoke_table5.cvs: no such table; "),
        (
            "evaluate/smoke/random/split1/seed0/test.parquet",
            "rules make no 'evaluate' in results; choices: clustering, data, encoding, evaluation",
        ),
        ("evaluation/smoke/random/split1/seed0/tst.parquet", "(did you mean 'test.parquet'?)"),
        ("figures/curves/smoke/tabel3.png", "(did you mean 'table3.png'?)"),
        ("nope_sweep.csv", "sweeps: no sweep 'nope'; choices: "),
        ("motion/edges/smok/demo_smoke/index.parquet", "presets: found 'smok'; choices: paper, "),
        (
            "trajectories/tracks/smoke/nope/index.parquet",
            "datasets: found 'nope'; choices: demo, demo_smoke, ",
        ),
        (
            "evaluation/nope/random/split1/seed0/test.parquet",
            "targets: found 'nope'; choices: demo, demo_3seeds, smoke, ",
        ),
        (
            "evaluation/smoke-00000000/random/split1/seed0/test.parquet",
            "targets: found 'smoke-00000000'; choices: demo, demo_3seeds, smoke, ",
        ),
        (
            "evaluation/smoke/nope/split1/seed0/test.parquet",
            "targets.smoke, row: found 'nope'; choices: random, ",
        ),
        (
            "evaluation/smoke/nope/split1/seed0/retrieval.parquet",
            "targets.smoke, row: found 'nope'; choices: random, ",
        ),
        (
            "evaluation/smoke/random/split7/seed0/test.parquet",
            "targets.smoke, split: found 'split7'; choices: split1",
        ),
        ("data/sources/nope.split1.parquet", "datasets: found 'nope'; choices: demo, "),
        ("pretraining/smok/vcop/demo_smoke.split1/seed0/model.pt", "presets: found 'smok'; "),
    ],
)
def test_an_unknown_name_is_told_the_choices(workspace, file, message):
    answer = workspace().snakemake(f"results/{file}", "-n")

    assert answer.returncode != 0
    assert message in answer.stdout
    assert "Traceback" not in answer.stdout
    assert "Exception" not in answer.stdout


def test_a_file_may_be_named_from_the_working_folder_on(workspace):
    assert workspace().counts("./results/smoke_table5.csv")["build_table5"] == 1


def test_an_option_that_names_a_file_asks_for_none(workspace):
    answer = workspace().snakemake("--report", "results/page.html")

    # The report needs the demo's table, which is not there.
    assert "File results/demo_table5.csv marked for report but does not exist" in answer.stdout
