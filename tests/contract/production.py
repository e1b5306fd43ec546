"""One of each artifact, made by the commands where the rules put it, from a tiny demo."""

import csv
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import yaml

from pipelines.clustering import (
    assign_pseudolabels,
    cluster_vectors,
    extract_features,
    fit_clusters,
)
from pipelines.data import (
    build_manifest,
    generate_action_demo,
    generate_demo,
    list_action_boxes,
    probe_videos,
    report_overlap,
    select_source,
    select_split,
)
from pipelines.data.catalog import known_listing
from pipelines.data.manifest import read_manifest, read_probed
from pipelines.data.planned_lists import encode_list, shard_files, split_videos
from pipelines.encoding import encode_fisher, fit_encoder, sample_descriptors
from pipelines.evaluation import (
    classify_vectors,
    detect_actions,
    finetune,
    finetune_detector,
    retrieve,
    test_model,
)
from pipelines.figures import (
    draw_attention,
    draw_classes,
    draw_clusters,
    draw_motion,
    draw_pretext,
    draw_retrieval,
    draw_table_curves,
    draw_training,
)
from pipelines.frames import decode_frames, index_frames
from pipelines.io.config import canonical
from pipelines.io.sections import as_given, at_path
from pipelines.io.settings import load_settings
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from pipelines.motion import export_flow, extract_edges, extract_flow, index_edges
from pipelines.pretraining import import_weights, pretrain_clip_order
from pipelines.tables import (
    build_leaderboard,
    build_plan,
    build_summary,
    build_sweep,
    build_table,
    build_table5,
    render_page,
)
from pipelines.training import distill_motion, self_train, train_generator, train_supervised
from pipelines.trajectories import detect_people, index_tracks, track_trajectories
from tests.contract.document import ROOT

GENERATOR = "demo.split1.flow.seed0"
SOURCE = "demo.split1"
SHARD = "shard-0000-of-0001"
DEMO = {"num_train_per_class": 1, "num_test_per_class": 1, "num_unlabelled": 4, "num_frames": 20}


class Production:
    """Runs the commands in the order of the workflow; files stand below `folder`/results."""

    def __init__(self, folder: Path) -> None:
        """Read the smoke preset and name the places."""
        schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
        config = yaml.safe_load((ROOT / "config.yaml").read_text())
        self.preset = load_settings(config, schema).presets["smoke"]
        self.folder = folder
        results = folder / "results"
        self.data = results / "data" / "demo"
        self.manifest = self.data / "manifest.parquet"
        self.split = self.data / "splits" / "split1.parquet"
        self.source = results / "data" / "sources" / f"{SOURCE}.parquet"
        self.overlap = results / "data" / "overlap" / "smoke.parquet"
        self.frames = results / "frames" / "smoke" / "demo"
        self.flow = results / "motion" / "flow" / "smoke" / "demo" / f"{SHARD}.h5"
        self.flow_images = results / "motion" / "images" / "smoke" / "demo" / f"{SHARD}.zip"
        self.edges = results / "motion" / "edges" / "smoke" / "demo"
        self.boxes = results / "trajectories" / "boxes" / "smoke" / "demo"
        self.training = results / "training"
        self.generator = self.training / "generator" / "smoke" / GENERATOR / "model.pt"
        self.features = results / "clustering/features/smoke" / GENERATOR / "demo" / f"{SHARD}.h5"
        self.clusters = results / "clustering/clusters/smoke" / GENERATOR / SOURCE
        self.run = results / "evaluation" / "smoke" / "mars" / "split1" / "seed0"

    def make_all(self) -> None:
        """Every command once."""
        self.make_data()
        self.make_clips()
        self.make_trajectories()
        self.make_vectors()
        self.make_models()
        self.make_detections()
        self.make_figures()
        self.make_tables()

    def make_data(self) -> None:
        """Videos to manifest, source and overlap."""
        videos = self.data / "videos"
        annotations = self.data / "annotations.csv"
        command(generate_demo, config=canonical(DEMO), out=videos, annotations=annotations)
        self.spoil(videos)
        stanza = {"adapter": "demo", "root": str(videos), "num_shards": 1, "generator": DEMO}
        probed = self.data / "probed" / f"{SHARD}.parquet"
        problems = self.data / "problems" / f"{SHARD}.parquet"
        files = self.folder / "list-files.json"
        known = known_listing("demo", stanza)
        (listed,) = shard_files(known.videos, None, 1)
        files.write_text(encode_list(listed))
        command(
            probe_videos,
            config=canonical({"min_frames": 2}),
            root=videos,
            files=files,
            shard="0000-of-0001",
            out=probed,
            problems=problems,
        )
        command(
            build_manifest,
            config=canonical(stanza),
            dataset="demo",
            probed_list=self.listed(probed),
            problems_list=self.listed(problems),
            out=self.manifest,
            problems=self.data / "problems.parquet",
            report=self.data / "report.md",
        )
        split = self.folder / "list-videos.json"
        split.write_text(encode_list(split_videos(known.videos, ["split1"])["split1"]))
        command(
            select_split,
            videos=split,
            split="split1",
            probed_list=self.listed(probed),
            problems_list=self.listed(problems),
            out=self.split,
        )
        parts = canonical({"parts": [{"split": "split1"}]})
        command(select_source, config=parts, manifests=self.split, out=self.source)
        command(
            report_overlap,
            config=canonical({"splits": ["split1"], "sources": ["demo"]}),
            target=self.manifest,
            sources=self.manifest,
            out=self.overlap,
        )

    def spoil(self, videos: Path) -> None:
        """An empty video, and a test video that is offered without its label too."""
        empty, copy, *_ = sorted((videos / "unlabelled").glob("*.avi"))
        empty.write_bytes(b"")
        with (self.data / "annotations.csv").open(newline="") as handle:
            tested = [row["video"] for row in csv.DictReader(handle) if row["split1"] == "test"]
        copy.write_bytes((videos / tested[0]).read_bytes())

    def make_clips(self) -> None:
        """Frames, their index, flow, motion maps."""
        shard, skipped = self.frames / f"{SHARD}.h5", self.frames / "skipped" / f"{SHARD}.parquet"
        command(
            decode_frames,
            config=canonical(self.preset["frames"]),
            root=self.data / "videos",
            videos=self.data / "probed" / f"{SHARD}.parquet",
            out=shard,
            skipped=skipped,
        )
        command(
            index_frames,
            shards_list=self.listed(shard),
            skipped_list=self.listed(skipped),
            out=self.frames / "index.parquet",
            skipped=self.frames / "skipped.parquet",
        )
        flow = canonical(self.preset["motion"]["flow"])
        command(extract_flow, config=flow, frames=shard, out=self.flow)
        export = canonical(self.preset["motion"]["export"])
        command(export_flow, config=export, flow=self.flow, out=self.flow_images)
        self.make_edges(shard)

    def make_edges(self, frames: Path) -> None:
        """Motion maps and their index."""
        paths = ("motion.edges", "motion.raft", "motion.flow.tvl1")
        config = self.section(*paths, "frames.target_fps", "frames.max_frames")
        shard, skipped = self.edges / f"{SHARD}.h5", self.edges / "skipped" / f"{SHARD}.parquet"
        command(extract_edges, config=config, frames=frames, out=shard, skipped=skipped)
        command(
            index_edges,
            shards_list=self.listed(shard),
            skipped_list=self.listed(skipped),
            out=self.edges / "index.parquet",
            skipped=self.edges / "skipped.parquet",
        )

    def make_trajectories(self) -> None:
        """Boxes and tracks."""
        with (self.data / "annotations.csv").open(newline="") as handle:
            name = next(csv.DictReader(handle))["video"].removesuffix(".avi")
        path = self.folder / "boxes.csv"
        path.write_text(f"video_id,frame,x1,y1,x2,y2,score\ndemo/{name},3,4,4,20,40,0.9\n")
        section = self.preset["trajectories"]
        people = section["people"] | {"detector": "file", "path": str(path)}
        height = {"max_height_px": section["max_height_px"]}
        tracks = self.folder / "results/trajectories/tracks/smoke/demo"
        videos = {"root": self.data / "videos", "videos": self.data / "probed" / f"{SHARD}.parquet"}
        command(
            detect_people,
            config=canonical(height | {"people": people}),
            **videos,
            out=self.boxes / f"{SHARD}.parquet",
            skipped=self.boxes / "skipped" / f"{SHARD}.parquet",
        )
        command(
            track_trajectories,
            config=canonical(height | {"tracks": section["tracks"]}),
            **videos,
            boxes=self.boxes / f"{SHARD}.parquet",
            out=tracks / f"{SHARD}.h5",
            skipped=tracks / "skipped" / f"{SHARD}.parquet",
        )
        command(
            index_tracks,
            shards_list=self.listed(tracks / f"{SHARD}.h5"),
            skipped_list=self.listed(tracks / "skipped" / f"{SHARD}.parquet"),
            out=tracks / "index.parquet",
            skipped=tracks / "skipped.parquet",
        )

    def make_vectors(self) -> None:
        """Sampled descriptors, encoder, vectors, their clusterings."""
        name = f"skipped/{SHARD}.parquet"
        samples = self.folder / "results/encoding/samples/smoke" / SOURCE / "demo"
        vectors = self.folder / "results/encoding/vectors/smoke" / SOURCE / "demo"
        encoder = self.folder / "results/encoding/encoder/smoke" / f"{SOURCE}.h5"
        clusters = self.folder / "results/clustering/vectors/smoke" / SOURCE
        tracks = ("trajectories.max_height_px", "trajectories.tracks", "encoding.descriptors")
        videos = {
            "root": self.data / "videos",
            "videos": self.data / "probed" / f"{SHARD}.parquet",
            "boxes": self.boxes / f"{SHARD}.parquet",
        }
        command(
            sample_descriptors,
            config=self.section(*tracks, "encoding.sample", "encoding.seed"),
            **videos,
            source=self.source,
            out=samples / f"{SHARD}.h5",
            skipped=samples / name,
        )
        command(
            fit_encoder,
            config=self.section("encoding.pca", "encoding.gmm", "encoding.seed"),
            samples_list=self.listed(samples / f"{SHARD}.h5"),
            skipped_list=self.listed(samples / name),
            out=encoder,
        )
        command(
            encode_fisher,
            config=self.section(*tracks, "encoding.fisher", "encoding.sketch", "encoding.seed"),
            **videos,
            encoder=encoder,
            out=vectors / f"{SHARD}.h5",
            skipped=vectors / name,
        )
        command(
            cluster_vectors,
            config=self.section("clustering.vectors"),
            vectors_list=self.listed(vectors / f"{SHARD}.h5"),
            skipped_list=self.listed(vectors / name),
            source=self.source,
            out=clusters / "clusters.h5",
            assignments=clusters / "assignments.parquet",
            diagnostics=clusters / "diagnostics.parquet",
        )

    def make_models(self) -> None:
        """Every training command and what lies between them."""
        labelled = {"manifest": self.split, "split": "split1"}
        self.train(
            train_generator,
            "training.generator",
            self.generator,
            modality="flow",
            **labelled,
            **self.stores("flow"),
        )
        self.make_pseudolabels()
        both = {"source": self.source, **self.stores("frames", "flow")}
        path = self.training / "self_training" / "smoke" / GENERATOR / SOURCE / "model.pt"
        pseudolabels = self.clusters / "pseudolabels.parquet"
        self.train(
            self_train,
            "training.self_training",
            path,
            pseudolabels=pseudolabels,
            **self.stores("frames"),
        )
        path = self.training / "distillation" / "smoke" / GENERATOR / SOURCE / "model.pt"
        self.train(distill_motion, "training.distillation", path, teacher=self.generator, **both)
        path = self.training / "supervised" / "smoke" / SOURCE / "seed0" / "model.pt"
        supervised = {"source": self.source, **self.stores("frames")}
        self.train(train_supervised, "training.supervised", path, **supervised)
        self.pretrain()
        self.train(
            finetune,
            "evaluation.methods.mars",
            self.run / "model.pt",
            teacher=self.generator,
            **labelled,
            **self.stores("frames", "flow"),
        )
        command(
            test_model,
            config=self.section("evaluation.clips", "validation", "evaluation.test"),
            role="test",
            model=self.run / "model.pt",
            seed=0,
            out=self.run / "test.parquet",
            **labelled,
            **self.stores("frames"),
        )
        command(
            retrieve,
            config=self.section(
                "evaluation.clips",
                "evaluation.retrieval",
                backbone=self.preset["backbones"]["appearance"],
            ),
            initial=self.pretrained,
            seed=0,
            out=self.run / "retrieval.parquet",
            **labelled,
            **self.stores("frames"),
        )
        self.classify_vectors()

    def make_detections(self) -> None:
        """Boxes of the demo's videos, as AVA would have them, a detector, what it detects."""
        out = self.data / "videos" / "action_demo"
        report = self.data / "action_demo.md"
        small = canonical({"num_train": 1, "num_test": 1, "num_seconds": 2})
        command(generate_action_demo, config=small, out=out, report=report)
        boxes = self.data / "action_boxes.parquet"
        stanza = {"adapter": "ava", "root": str(self.write_ava()), "num_shards": 1}
        stanza |= {"first_second": 0}
        command(list_action_boxes, config=canonical(stanza), dataset="demo", out=boxes)
        detection = self.preset["evaluation"]["detection"]
        given = {"manifest": self.split, "boxes": boxes, "split": "split1", "seed": 0}
        config = self.section(
            "clips",
            "validation",
            backbone=self.preset["backbones"]["appearance"],
            recipe=detection["recipe"],
            widen_last_stage=True,
        )
        command(
            finetune_detector,
            config=config,
            state=self.folder / "scratch",
            out=self.run / "detector.pt",
            history=self.run / "detector_history.parquet",
            **given,
            **self.stores("frames"),
        )
        tested = {name: value for name, value in detection.items() if name != "recipe"}
        command(
            detect_actions,
            config=self.section("clips", "validation", **tested),
            model=self.run / "detector.pt",
            out=self.run / "detections.parquet",
            **given,
            **self.stores("frames"),
        )

    def write_ava(self) -> Path:
        """AVA's files for the demo's videos, with a box in the first frame of each."""
        root = self.folder / "ava"
        (root / "annotations").mkdir(parents=True)
        (root / "x.mp4").touch()
        videos = read_manifest(self.manifest)
        for part, role in (("train", "train"), ("val", "test")):
            names = [v.video_id.removeprefix("demo/") for v in videos if v.roles["split1"] == role]
            rows = "".join(f"{name},0000,0.1,0.2,0.6,0.9,12,0\n" for name in names)
            (root / "annotations" / f"ava_{part}_v2.2.csv").write_text(rows)
            (root / "annotations" / f"ava_{part}_excluded_timestamps_v2.2.csv").touch()
        labels = root / "annotations" / "ava_action_list_v2.2_for_activitynet_2019.pbtxt"
        labels.write_text('item {\n  name: "stand"\n  id: 12\n}\n')
        return root

    def classify_vectors(self) -> None:
        """Predictions without a network; the vectors are those of `make_vectors`."""
        shard = self.folder / "results/encoding/vectors/smoke" / SOURCE / "demo" / f"{SHARD}.h5"
        command(
            classify_vectors,
            config=self.section("validation", "evaluation.labels", "evaluation.svm"),
            manifest=self.split,
            split="split1",
            role="test",
            index=self.stores("frames")["index"],
            vectors_list=self.listed(shard),
            seed=0,
            out=self.run.parents[2] / "idt_svm" / "split1" / "seed0" / "test.parquet",
        )

    def pretrain(self) -> None:
        """One pretraining recipe: all publish the same two files."""
        command(
            pretrain_clip_order,
            config=self.section(
                "validation",
                backbone=self.preset["backbones"]["appearance"],
                recipe=as_given(self.preset["pretraining"]["vcop"]),
            ),
            seed=0,
            state=self.folder / "scratch",
            out=self.pretrained,
            history=self.pretrained.with_name("history.parquet"),
            source=self.source,
            **self.stores("frames"),
        )
        self.import_weights(self.pretrained)

    @property
    def pretrained(self) -> Path:
        """Where the recipe's network stands."""
        return self.folder / "results/pretraining/smoke/vcop" / SOURCE / "seed0" / "model.pt"

    def import_weights(self, path: Path) -> None:
        """A model as if others had published it."""
        backbone = self.preset["backbones"]["appearance"]
        command(
            import_weights,
            config=canonical({"backbone": backbone, "layout": "ours"}),
            weights=path,
            out=self.folder / "results/pretraining/weights/smoke/official.pt",
        )

    def make_pseudolabels(self) -> None:
        """Features, clusters, labels."""
        command(
            extract_features,
            config=self.section("clips", "clustering.features"),
            modality="flow",
            model=self.generator,
            clips=self.flow,
            out=self.features,
        )
        shards = {"features_list": self.listed(self.features), "source": self.source}
        clusters = self.clusters / "clusters.h5"
        config = self.section("clustering.units", "clustering.kmeans")
        command(fit_clusters, config=config, seed=0, out=clusters, **shards)
        command(
            assign_pseudolabels,
            config=self.section("clustering.units"),
            clusters=clusters,
            out=self.clusters / "pseudolabels.parquet",
            diagnostics=self.clusters / "diagnostics.parquet",
            **shards,
        )

    def make_figures(self) -> None:
        """The sheet of one video, and the plots."""
        probed = self.data / "probed" / f"{SHARD}.parquet"
        video_id = read_probed(probed)[0].video_id
        out = self.folder / "results" / "figures" / "motion" / "smoke" / f"{video_id}.png"
        config = self.section(
            "figures.motion",
            "frames.target_fps",
            "frames.max_frames",
            "motion.flow.source",
            "motion.flow.tvl1",
            "motion.raft",
            "motion.edges",
            "trajectories.max_height_px",
            "trajectories.people",
            "trajectories.tracks",
            frame_size=self.preset["frames"]["size"],
        )
        videos = {"root": self.data / "videos", "videos": probed}
        command(draw_motion, config=config, **videos, video_id=video_id, out=out)
        self.make_plots()

    def make_plots(self) -> None:
        """One plot of each kind."""
        figures = self.folder / "results" / "figures"
        name = self.run.relative_to(self.folder / "results")
        history = self.run / "history.parquet"
        draw(draw_training, figures / "training" / name, title=name, history=history)
        draw(
            draw_classes,
            figures / "classes" / "smoke" / "mars",
            title="smoke, mars",
            predictions_list=self.listed(self.run / "test.parquet"),
        )
        recipe = f"smoke/vcop/{SOURCE}/seed0"
        draw(
            draw_clusters,
            figures / "clusters" / recipe / "k2",
            title="vcop",
            config=self.section("clips"),
            source=self.source,
            model=self.pretrained,
            num_clusters=2,
            seed=0,
            **self.stores("frames"),
        )
        self.draw_looks(figures)

    def draw_looks(self, figures: Path) -> None:
        """What networks find near, and where they look; one network stands for two."""
        draw(
            draw_retrieval,
            figures / "retrieval/smoke/vcop/split1/seed0",
            retrieved=self.run / "retrieval.parquet",
            title="vcop",
            **self.stores("frames"),
        )
        draw(
            draw_attention,
            figures / "attention/smoke/full/mars-mars",
            config=self.section("evaluation.clips", names=["mars", "mars"]),
            models=[self.run / "model.pt"] * 2,
            predictions=[self.run / "test.parquet"] * 2,
            title="mars",
            **self.stores("frames"),
        )
        name, outputs = self.preset["backbones"]["appearance"], {"granularity": 1, "axes": "x"}
        mosi = build_classifier(name, 3, 3, 0.0, seed=0)
        path = self.folder / "scratch" / "mosi.pt"
        save_model(path, ModelMeta(name, "rgb", 3), mosi.state_dict(), {})
        draw(
            draw_pretext,
            figures / "pretext/smoke/mosi" / SOURCE / "seed0",
            config=self.section("clips", **outputs),
            source=self.source,
            model=path,
            title="mosi",
            **self.stores("frames", "flow"),
        )

    def make_tables(self) -> None:
        """The tables of one run, and a sweep of one trial."""
        run = {
            "method": "mars",
            "split": "split1",
            "seed": 0,
            "predictions": str(self.run / "test.parquet"),
            "model": str(self.run / "model.pt"),
            "initial": "",
            "generator": SOURCE,
            "source": SOURCE,
        }
        config = {
            "target": "smoke",
            "dataset": "demo",
            "source": "demo",
            "backbone": "r2plus1d-tiny",
            "num_frames": 4,
            "resolution": 28,
            "is_smoke": True,
            "methods": ["mars"],
            "unavailable": {"mars": ""},
            "runs": [run],
        }
        results = self.folder / "results"
        for module, table in ((build_table5, "table5"), (build_leaderboard, "leaderboard")):
            command(
                module,
                config=canonical(config),
                overlap=self.overlap,
                out=results / f"smoke_{table}.csv",
                runs=results / f"smoke_{table}_runs.parquet",
                markdown=results / f"smoke_{table}.md",
            )
        self.make_defined_table(run)
        page = results / "smoke_table2"
        command(render_page, markdown=f"{page}.md", out=f"{page}.html")
        command(
            build_summary,
            target="smoke",
            table5=results / "smoke_table5.csv",
            leaderboard=results / "smoke_leaderboard.csv",
            out=results / "smoke_summary.md",
        )
        trial = {"method": "mars", "trial": "tune-mars-00", "overrides": "{}", "runs": [run]}
        out = results / "tune_sweep.csv"
        command(build_sweep, config=canonical({"trials": [trial]}), out=out)
        self.make_plan()

    def make_plan(self) -> None:
        """The cost of one training on the demo's videos."""
        part = {"dataset": "demo", "split": "split1", "roles": ["train"]}
        work = {
            "rule": "finetune",
            "rows": ["random"],
            "jobs": 1,
            "backbone": "r2plus1d-tiny",
            "parts": [part],
            "clips": {"num_frames": 4, "stride": 1, "crop_px": 28},
        }
        work |= {"kind": "train", "clips_per_video": 1, "length": 2}
        stored = {"size": [32, 43], "datasets": ["demo"]}
        config = {
            "frames": [stored],
            "target_fps": None,
            "max_frames": None,
            "flow": stored,
            "flow_source": "tvl1",
            "feature_step": None,
            "num_shards": {"demo": 1},
            "works": [work],
            "others": {"build_table5": 1},
        }
        out = self.folder / "results" / "smoke_plan.csv"
        command(build_plan, config=canonical(config), manifests=self.manifest, out=out)

    def make_defined_table(self, run: dict[str, object]) -> None:
        """One of the tables that are data."""
        row = {
            "name": "video",
            "method": "mars",
            "backbone": "r2plus1d-tiny",
            "num_frames": 4,
            "resolution": 28,
            "source": "demo",
            "measures": ["top1"],
            "gain_over": "",
            "supervised": "",
            "published": {"top1": 76.5},
            "unavailable": "",
            "note": "",
            "runs": [run],
            "histories": [""],
            "retrievals": [""],
        }
        config = {"title": "", "target": "smoke", "is_smoke": True, "rows": [row], "others": []}
        results = self.folder / "results"
        command(
            build_table,
            config=canonical(config),
            overlap=self.overlap,
            out=results / "smoke_table2.csv",
            runs=results / "smoke_table2_runs.parquet",
            markdown=results / "smoke_table2.md",
        )
        curves = {"x": "clips", "measures": ["top1"], "curves": {"mars": {"video": 1}}}
        draw(
            draw_table_curves,
            results / "figures/curves/smoke/table2",
            config=canonical({"title": "smoke, Table 2", "curves": curves}),
            table=results / "smoke_table2.csv",
        )

    def train(self, module: ModuleType, recipe: str, path: Path, **options: object) -> None:
        """One training command."""
        network = "motion" if options.get("modality") == "flow" else "appearance"
        own = {key: value for key, value in at_path(self.preset, recipe).items() if key != "clips"}
        config = self.section(
            "clips", "validation", backbone=self.preset["backbones"][network], recipe=own
        )
        history = path.with_name("history.parquet")
        state = self.folder / "scratch"
        run = {"config": config, "seed": 0, "state": state, "out": path, "history": history}
        command(module, **run, **options)

    def section(self, *paths: str, **more: object) -> str:
        """Some sections of the preset as JSON, keyed by their last name."""
        chosen = {path.rsplit(".", 1)[-1]: at_path(self.preset, path) for path in paths}
        return canonical(as_given(chosen) | more)

    def stores(self, *kinds: str) -> dict[str, Path]:
        """Options that say where clips are."""
        paths = {"frames": self.frames / f"{SHARD}.h5", "flow": self.flow}
        found = {kind: self.listed(paths[kind]) for kind in kinds}
        return {"index": self.listed(self.frames / "index.parquet"), **found}

    def listed(self, path: Path) -> Path:
        """A list that names one file."""
        place = "-".join(path.relative_to(self.folder).with_suffix("").parts)
        target = self.folder / f"list-{place}.txt"
        target.write_text(f"{path}\n")
        return target


def command(module: ModuleType, **options: object) -> None:
    """Run a command's main with options, in this process."""
    arguments: Sequence[str] = [
        text
        for name, value in options.items()
        for text in (
            f"--{name.replace('_', '-')}",
            *map(str, value if isinstance(value, list) else [value]),
        )
    ]
    module.main(module.build_parser().parse_args(arguments))


def draw(module: ModuleType, stem: Path, **options: object) -> None:
    """A command that draws one figure twice."""
    command(module, png=f"{stem}.png", svg=f"{stem}.svg", **options)
