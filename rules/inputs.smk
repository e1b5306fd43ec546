"""What each rule reads, as functions of its wildcards, and the runs behind a table."""


# --- data -----------------------------------------------------------------------------------------
def generated_annotations(wildcards):
    """Only demos' videos are made by a rule; all others are the user's."""
    made = {"demo": "annotations.csv", "ava_demo": "action_demo.md"}
    name = made.get(SETTINGS.datasets[wildcards.dataset]["adapter"])
    return f"results/data/{wildcards.dataset}/{name}" if name else []


# --- frames ---------------------------------------------------------------------------------------
def skipped_shards(wildcards):
    where = f"results/frames/{wildcards.preset}/{wildcards.dataset}/skipped"
    return [f"{where}/shard-{shard}.parquet" for shard in shards(wildcards.dataset)]


# --- motion ---------------------------------------------------------------------------------------
def frame_shard(wildcards):
    where = f"results/frames/{home(wildcards.preset, 'frames')}/{wildcards.dataset}"
    return f"{where}/shard-{wildcards.shard}.h5"


def flow_shard(wildcards):
    where = f"results/motion/flow/{home(wildcards.preset, 'flow')}/{wildcards.dataset}"
    return f"{where}/shard-{wildcards.shard}.h5"


def flow_config(wildcards):
    """What computes the flow, with the parameters of that source alone."""
    motion = SETTINGS.presets[wildcards.preset]["motion"]
    flow = dict(motion["flow"])
    if flow["source"] == "raft":
        del flow["tvl1"]
        flow["raft"] = motion["raft"]
    return canonical(flow)


def flow_weights(wildcards):
    """Digest of a local file of RAFT weights, so that another file re-runs what it made."""
    motion = SETTINGS.presets[wildcards.preset]["motion"]
    path = motion["raft"]["weights"]
    return file_digest(path) if motion["flow"]["source"] == "raft" and path else ""


def edges_input(wildcards):
    """Stored frames or, where the maps have a size of their own, the videos behind them."""
    if SETTINGS.presets[wildcards.preset]["motion"]["edges"]["size"] is None:
        return {"frames": frame_shard(wildcards)}
    name = f"shard-{wildcards.shard}.parquet"
    return {"videos": f"results/data/{wildcards.dataset}/probed/{name}"}


def edges_options(wildcards):
    """The command-line options that go with `edges_input`."""
    found = edges_input(wildcards)
    if "videos" in found:
        found["root"] = SETTINGS.datasets[wildcards.dataset]["root"]
    return " ".join(f"--{name} {shlex.quote(path)}" for name, path in found.items())


def edges_weights(wildcards):
    """As `flow_weights`, for the motion maps."""
    motion = SETTINGS.presets[wildcards.preset]["motion"]
    path = motion["raft"]["weights"]
    needs_raft = motion["edges"]["flow"] == "raft" and motion["edges"]["kind"] != "frame-difference"
    return file_digest(path) if needs_raft and path else ""


@functools.cache
def file_digest(path):
    """SHA-256 of a file; "missing" where there is none, which the command explains."""
    if not Path(path).is_file():
        return "missing"
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def skipped_edges(wildcards):
    where = f"results/motion/edges/{home(wildcards.preset, 'edges')}/{wildcards.dataset}/skipped"
    return [f"{where}/shard-{shard}.parquet" for shard in shards(wildcards.dataset)]


# --- trajectories ---------------------------------------------------------------------------------
def people_file(wildcards):
    """Weights or boxes that the detection of people reads, if it reads any."""
    people = SETTINGS.presets[wildcards.preset]["trajectories"]["people"]
    return people["path"] or []


def people_boxes(wildcards):
    where = f"results/trajectories/boxes/{home(wildcards.preset, 'people')}/{wildcards.dataset}"
    return f"{where}/shard-{wildcards.shard}.parquet"


def track_shards(wildcards):
    where = f"results/trajectories/tracks/{home(wildcards.preset, 'tracks')}/{wildcards.dataset}"
    return [f"{where}/shard-{shard}.h5" for shard in shards(wildcards.dataset)]


def skipped_tracks(wildcards):
    where = f"results/trajectories/tracks/{home(wildcards.preset, 'tracks')}/{wildcards.dataset}"
    return [f"{where}/skipped/shard-{shard}.parquet" for shard in shards(wildcards.dataset)]


# --- encoding -------------------------------------------------------------------------------------
def track_files(wildcards):
    """What trajectories are made from, or the full dump of them."""
    if SETTINGS.presets[wildcards.preset]["encoding"]["descriptors"] == "computed":
        return {"boxes": people_boxes(wildcards)}
    where = f"results/trajectories/tracks/{home(wildcards.preset, 'tracks')}/{wildcards.dataset}"
    return {
        "tracks": f"{where}/shard-{wildcards.shard}.h5",
        "untracked": f"{where}/skipped/shard-{wildcards.shard}.parquet",
    }


def track_options(wildcards):
    """The command-line options that go with `track_files`."""
    found = track_files(wildcards)
    if "boxes" in found:
        found["root"] = SETTINGS.datasets[wildcards.dataset]["root"]
    return " ".join(f"--{name} {shlex.quote(path)}" for name, path in found.items())


def source_shards(stage, wildcards, folder=""):
    """Sample or vector shards of a source, or with `folder` their skipped tables."""
    kept = {"samples": "sample", "vectors": "vectors"}[stage]
    where = f"results/encoding/{stage}/{home(wildcards.preset, kept)}/{wildcards.source}"
    kind = "parquet" if folder else "h5"
    return [
        f"{where}/{dataset}/{folder}shard-{shard}.{kind}"
        for dataset in datasets_of(wildcards.source)
        for shard in shards(dataset)
    ]


def sample_shards(wildcards):
    return source_shards("samples", wildcards)


def skipped_samples(wildcards):
    return source_shards("samples", wildcards, "skipped/")


def vector_shards(wildcards):
    return source_shards("vectors", wildcards)


def skipped_vectors(wildcards):
    return source_shards("vectors", wildcards, "skipped/")


def encoder_of(wildcards):
    return f"results/encoding/encoder/{home(wildcards.preset, 'encoder')}/{wildcards.source}.h5"


# --- models ---------------------------------------------------------------------------------------
def generator_model(preset, generator):
    _, modality, _ = parts_of(generator)
    where = home(preset, f"generator.{modality}")
    return f"results/training/generator/{where}/{generator}/model.pt"


def initial_model(target, method, split, seed):
    """The weights that a row's fine-tuning starts from; None for random initialisation."""
    preset = SETTINGS.targets[target]["preset"]
    source = source_of(target, split)
    if method in ("motionfit", "appearance"):
        modality = "flow" if method == "motionfit" else "rgb"
        where = home(preset, f"self_training.{modality}")
        generator = generator_of(target, split, seed, modality)
        return f"results/training/self_training/{where}/{generator}/{source}/model.pt"
    if method == "mers":
        where = home(preset, "distillation")
        generator = generator_of(target, split, seed, "flow")
        return f"results/training/distillation/{where}/{generator}/{source}/model.pt"
    if method == "supervised":
        where = home(preset, "supervised")
        return f"results/training/supervised/{where}/{source}/seed{seed}/model.pt"
    chosen = SETTINGS.presets[preset]
    if method in chosen["pretraining"] or method in chosen["weights"]:
        return pretrained_model(preset, method, source, seed)
    return None


def pretrained_model(preset, recipe, source, seed):
    """Model of a recipe, trained on a source with a seed, or of published weights."""
    where = pretraining_home(preset, recipe)
    if recipe in SETTINGS.presets[preset]["weights"]:
        return f"results/pretraining/weights/{where}/{recipe}.pt"
    return f"results/pretraining/{where}/{recipe}/{source}/seed{seed}/model.pt"


def unavailable(target, method):
    """Why a row cannot be measured, or None."""
    if method == "supervised":
        for dataset in source_datasets(target):
            if not has_labels(dataset, SETTINGS.datasets[dataset]):
                return f"source {dataset} has no labels"
    if not learns_from_images(target, method):
        for dataset in source_datasets(target):
            if medium_of(dataset, SETTINGS.datasets[dataset]).min_frames == 1:
                return f"source {dataset} holds single images"
    return None


def learns_from_images(target, method):
    """Whether a row needs no real motion of its source."""
    preset = SETTINGS.presets[SETTINGS.targets[target]["preset"]]
    if method in preset["pretraining"]:
        return preset["pretraining"][method]["objective"] == "mosi"
    # These take no clips of the source.
    return method in ("random", "mars") or method in preset["weights"]


def training_config(preset, recipe, modality, **more):
    """Config of one training command: what it sees, its network and its recipe."""
    chosen = SETTINGS.presets[preset]
    network = {"flow": "motion", "rgb": "appearance"}[modality]
    return canonical(
        {
            "clips": chosen["clips"],
            "validation": chosen["validation"],
            "backbone": chosen["backbones"][network],
            "recipe": at_path(chosen, recipe),
            **more,
        }
    )


# --- clustering -----------------------------------------------------------------------------------
def features_input(wildcards):
    """One shard's frames or flow, and the generator's weights."""
    _, modality, _ = parts_of(wildcards.generator)
    name = f"{wildcards.dataset}/shard-{wildcards.shard}.h5"
    stage, folder = ("flow", "motion/flow") if modality == "flow" else ("frames", "frames")
    return {
        "model": generator_model(wildcards.preset, wildcards.generator),
        "clips": f"results/{folder}/{home(wildcards.preset, stage)}/{name}",
    }


def feature_shards(preset, generator, source):
    _, modality, _ = parts_of(generator)
    where = f"results/clustering/features/{home(preset, f'features.{modality}')}/{generator}"
    return [f"{where}/{d}/shard-{shard}.h5" for d in datasets_of(source) for shard in shards(d)]


def source_features(wildcards):
    return feature_shards(wildcards.preset, wildcards.generator, wildcards.source)


# --- training -------------------------------------------------------------------------------------
def generator_input(wildcards):
    """The labelled videos of one split, as frames or flow."""
    dataset = dataset_of(wildcards.labels)
    found = stores(wildcards.preset, [dataset], [wildcards.modality])
    return found | {"manifest": manifest(dataset)} | generator_initial(wildcards)


def generator_initial(wildcards):
    """Weights that a generator starts from: a recipe trained on its own videos, labels unread."""
    recipe = initial_recipe(wildcards.preset, wildcards.modality)
    if not recipe:
        return {}
    labels, seed = wildcards.labels, wildcards.seed
    return {"initial": pretrained_model(wildcards.preset, recipe, labels, seed)}


def generator_initial_option(wildcards):
    """The command-line option that goes with `generator_initial`."""
    return " ".join(f"--{name} {path}" for name, path in generator_initial(wildcards).items())


def generator_recipe(wildcards):
    suffix = "" if wildcards.modality == "flow" else "_appearance"
    return training_config(wildcards.preset, f"training.generator{suffix}", wildcards.modality)


def pseudolabels_of(wildcards):
    _, modality, _ = parts_of(wildcards.generator)
    where = home(wildcards.preset, f"clusters.{modality}")
    folder = f"results/clustering/clusters/{where}/{wildcards.generator}/{wildcards.source}"
    return f"{folder}/pseudolabels.parquet"


def self_training_input(wildcards):
    """The source's frames and their pseudo-labels."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb"])
    return found | {"pseudolabels": pseudolabels_of(wildcards)}


def distillation_input(wildcards):
    """The source's frames and flow, and the motion network that teaches."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb", "flow"])
    return found | {
        "teacher": generator_model(wildcards.preset, wildcards.generator),
        "source": f"results/data/sources/{wildcards.source}.parquet",
    }


def supervised_input(wildcards):
    """The source's frames with its own labels."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb"])
    return found | {"source": f"results/data/sources/{wildcards.source}.parquet"}


# --- pretraining ----------------------------------------------------------------------------------
def pretraining_recipe(wildcards):
    """The recipe's section; a name that no preset or recipe has stops with the choices."""
    try:
        known = SETTINGS.presets[wildcards.preset]["pretraining"]
    except KeyError:
        known = {}
    if wildcards.recipe not in known:
        stop(
            f"presets.{wildcards.preset}.pretraining: no recipe {wildcards.recipe!r}; choices: "
            f"{', '.join(known) or 'none'}"
        )
    return known[wildcards.recipe]


def published_weights(wildcards):
    """The stanza of published weights; an unknown name and a missing file stop before any job."""
    known = SETTINGS.presets.get(wildcards.preset, {}).get("weights", {})
    place = f"presets.{wildcards.preset}.weights"
    if wildcards.weights not in known:
        stop(f"{place}: no weights {wildcards.weights!r}; choices: {', '.join(known) or 'none'}")
    path = known[wildcards.weights]["path"]
    if not Path(path).is_file():
        stop(
            f"{place}.{wildcards.weights}.path: {path}: no such file; put the published file there"
        )
    return known[wildcards.weights]


def weights_config(wildcards):
    preset = SETTINGS.presets[wildcards.preset]
    layout = published_weights(wildcards)["layout"]
    return canonical({"backbone": preset["backbones"]["appearance"], "layout": layout})


def weights_path(wildcards):
    return published_weights(wildcards)["path"]


def pretraining_module(wildcards):
    """The command of the recipe's objective."""
    return f"pipelines.pretraining.pretrain_{pretraining_recipe(wildcards)['objective']}"


def pretraining_config(wildcards):
    preset = SETTINGS.presets[wildcards.preset]
    return canonical(
        {
            "validation": preset["validation"],
            "backbone": preset["backbones"]["appearance"],
            "recipe": pretraining_recipe(wildcards),
        }
    )


def pretraining_files(wildcards):
    """What a recipe takes beside clips: its initial weights, the clusters of trajectories."""
    chosen, found = pretraining_recipe(wildcards), {}
    if chosen["initial"]:
        found["initial"] = pretrained_model(
            wildcards.preset, chosen["initial"], wildcards.source, wildcards.seed
        )
    if chosen["prior"]:
        where = f"results/clustering/vectors/{home(wildcards.preset, 'vector_clusters')}"
        found["assignments"] = f"{where}/{wildcards.source}/assignments.parquet"
    return found


def watched_files(wildcards):
    """Labelled videos whose neighbours are asked for while a recipe trains, by kind of file."""
    chosen = pretraining_recipe(wildcards).get("neighbour_score")
    if not chosen:
        return {}
    place = f"presets.{wildcards.preset}.pretraining.{wildcards.recipe}.neighbour_score"
    dataset, split = chosen["dataset"], chosen["split"]
    if dataset not in SETTINGS.datasets:
        stop(f"{place}: no dataset {dataset!r}; choices: {', '.join(SETTINGS.datasets)}")
    if split not in splits_of(dataset):
        known = ", ".join(splits_of(dataset))
        stop(f"{place}: {dataset} has no split {split!r}; choices: {known}")
    return {
        "watched-manifest": [manifest(dataset)],
        "watched-index": frame_indices(wildcards.preset, dataset),
        "watched-frames": frame_shards(wildcards.preset, dataset),
    }


def pretraining_input(wildcards):
    """The source's clips, what goes with them, and who is in the source."""
    chosen = pretraining_recipe(wildcards)
    datasets = datasets_of(wildcards.source)
    found = stores(wildcards.preset, datasets, chosen["reads"])
    found |= pretraining_files(wildcards)
    if "edges" in chosen["reads"]:
        # Nothing reads it; it stops where too many videos have no motion maps.
        found["edge_index"] = [edge_index(wildcards.preset, dataset) for dataset in datasets]
    if chosen["prior"]:
        found["vectors"] = vector_shards(wildcards)
    watched = watched_files(wildcards).items()
    found |= {name.replace("-", "_"): paths for name, paths in watched}
    return found | {"source": f"results/data/sources/{wildcards.source}.parquet"}


def pretraining_options(wildcards):
    """The command-line options that go with `pretraining_input`."""
    chosen = pretraining_recipe(wildcards)
    options = [store_options(wildcards.preset, datasets_of(wildcards.source), chosen["reads"])]
    options += [f"--{name} {path}" for name, path in pretraining_files(wildcards).items()]
    if chosen["prior"]:
        options.append(f"--vectors {listed(vector_shards(wildcards))}")
    for name, paths in watched_files(wildcards).items():
        options.append(f"--{name} {paths[0] if name == 'watched-manifest' else listed(paths)}")
    return " ".join(options)


# --- evaluation -----------------------------------------------------------------------------------
def target_dataset(wildcards):
    return SETTINGS.targets[wildcards.target]["dataset"]


def target_preset(wildcards):
    return SETTINGS.targets[wildcards.target]["preset"]


def finetuning_modalities(wildcards):
    """MARS alone looks at flow while it fine-tunes: its teacher does."""
    return ["rgb", "flow"] if wildcards.method == "mars" else ["rgb"]


def finetuning_config(wildcards):
    """Config of a row's fine-tuning: clips and labels are those of the evaluation."""
    preset = target_preset(wildcards)
    evaluation = SETTINGS.presets[preset]["evaluation"]
    return training_config(
        preset,
        f"evaluation.methods.{wildcards.method}",
        "rgb",
        clips=evaluation["clips"],
        labels=evaluation["labels"],
    )


def finetuning_input(wildcards):
    """The target's training videos and the weights that the row starts from."""
    dataset, preset = target_dataset(wildcards), target_preset(wildcards)
    if has_boxes(dataset, SETTINGS.datasets[dataset]):
        stop(
            f"targets.{wildcards.target}: {dataset} has boxes with actions and no class of whole "
            "videos; make results/evaluation/{target}/{method}/{split}/seed{seed}/"
            "detections.parquet"
        )
    found = stores(preset, [dataset], finetuning_modalities(wildcards))
    found["manifest"] = manifest(dataset)
    if initial := finetuning_model(wildcards, "initial"):
        found["initial"] = initial
    if teacher := finetuning_model(wildcards, "teacher"):
        found["teacher"] = teacher
    return found


def finetuning_model(wildcards, part):
    """Path of the model that fine-tuning starts from or is taught by, or None."""
    split, seed = wildcards.split, wildcards.seed
    if part == "initial":
        return initial_model(wildcards.target, wildcards.method, split, seed)
    if wildcards.method != "mars":
        return None
    generator = generator_of(wildcards.target, split, seed, "flow")
    return generator_model(target_preset(wildcards), generator)


def finetuning_models(wildcards):
    """Command-line options for the models that a row needs."""
    found = {part: finetuning_model(wildcards, part) for part in ("initial", "teacher")}
    return " ".join(f"--{part} {path}" for part, path in found.items() if path)


def target_vectors(wildcards):
    """Vectors of all the target's videos; the encoder knows those of the source alone."""
    preset, dataset = target_preset(wildcards), target_dataset(wildcards)
    source = source_of(wildcards.target, wildcards.split)
    where = f"results/encoding/vectors/{home(preset, 'vectors')}/{source}/{dataset}"
    return [f"{where}/shard-{shard}.h5" for shard in shards(dataset)]


def tested_model(target, method, split, seed):
    """Path of the network that a row's test videos are shown to."""
    if method in GENERATORS:
        modality = "flow" if method == "generator" else "rgb"
        generator = generator_of(target, split, seed, modality)
        return generator_model(SETTINGS.targets[target]["preset"], generator)
    where = finetuned_target(target, method)
    return f"results/evaluation/{where}/{method}/{split}/seed{seed}/model.pt"


def finetuning_sections(preset, method):
    """All that a fine-tuned network depends on, that of its initial weights and teacher included."""
    found = [*FRAMES, "validation", "backbones.appearance", f"evaluation.methods.{method}"]
    found += ["evaluation.clips", "evaluation.labels"]
    learnt = {"motionfit": "self_training.flow", "appearance": "self_training.rgb"}
    learnt |= {"mers": "distillation", "mars": "generator.flow", "supervised": "supervised"}
    if method in learnt:
        found += sections_of(preset, learnt[method])
    elif method != "random":
        found += pretraining_sections(preset, method)
    return tuple(dict.fromkeys(found))


def finetuned_target(target, method):
    """The target under whose name a fine-tuned network is kept: its own, or one that agrees."""
    if target not in ORIGINS or method in (*GENERATORS, *CONTROLS):
        return target
    sections = finetuning_sections(SETTINGS.targets[target]["preset"], method)
    return narrowed_target(target, method, sections)


def narrowed_target(target, method, sections):
    """The target that differs from the configuration's in what a row depends on alone.

    So targets that a table's rows derive share a row's work where they differ in what other rows
    depend on, in the test alone, or in a source that the row does not see.
    """
    if target not in ORIGINS:
        return target
    origin, preset = ORIGINS[target], SETTINGS.targets[target]["preset"]
    known = SETTINGS.variants.known
    if preset in known:
        preset = SETTINGS.variants.restricted(preset, sections)
    _, changes, protocol = known[preset] if preset in known else (preset, {}, "")
    source = None if method in ("random", "mars") else origin.source
    return derive_target(origin.target, changes, protocol, source)


def tested_modalities(wildcards):
    return ["flow"] if wildcards.method == "generator" else ["rgb"]


def test_input(wildcards):
    dataset = target_dataset(wildcards)
    found = stores(target_preset(wildcards), [dataset], tested_modalities(wildcards))
    return found | {"manifest": manifest(dataset)}


def test_config(wildcards):
    """Views and clips; a generator is tested on clips as it was trained on."""
    preset = target_preset(wildcards)
    clips = "clips" if wildcards.method in GENERATORS else "evaluation.clips"
    return section(preset, clips, "validation", "evaluation.test")


def retrieval_input(wildcards):
    """The target's videos and the network as pretrained."""
    if wildcards.method == "mars":
        stop(
            f"{wildcards.target}: mars is trained on the target's labels alone; retrieval needs a "
            "row that is pretrained, or random"
        )
    initial = finetuning_model(wildcards, "initial")
    return test_input(wildcards) | ({"initial": initial} if initial else {})


def retrieval_initial(wildcards):
    """The command-line option that goes with `retrieval_input`."""
    initial = finetuning_model(wildcards, "initial")
    return f"--initial {initial}" if initial else ""


def retrieval_config(wildcards):
    """Clips, comparison, and the backbone that random weights are drawn for."""
    preset = target_preset(wildcards)
    backbone = SETTINGS.presets[preset]["backbones"]["appearance"]
    return section(preset, "evaluation.clips", "evaluation.retrieval", backbone=backbone)


def retrieval_input(wildcards):
    """The target's videos and the network as pretrained."""
    if wildcards.method == "mars":
        stop(
            f"{wildcards.target}: mars is trained on the target's labels alone; retrieval needs a "
            "row that is pretrained, or random"
        )
    initial = finetuning_model(wildcards, "initial")
    return test_input(wildcards) | ({"initial": initial} if initial else {})


def retrieval_initial(wildcards):
    """The command-line option that goes with `retrieval_input`."""
    initial = finetuning_model(wildcards, "initial")
    return f"--initial {initial}" if initial else ""


def retrieval_config(wildcards):
    """Clips, comparison, and the backbone that random weights are drawn for."""
    preset = target_preset(wildcards)
    backbone = SETTINGS.presets[preset]["backbones"]["appearance"]
    return section(preset, "evaluation.clips", "evaluation.retrieval", backbone=backbone)


def action_boxes(wildcards):
    """The annotated boxes of a target; a dataset without them or a row with a teacher stops."""
    dataset, method = target_dataset(wildcards), wildcards.method
    if not has_boxes(dataset, SETTINGS.datasets[dataset]):
        stop(f"targets.{wildcards.target}: {dataset} has no boxes of actions to detect")
    known = SETTINGS.methods(target_preset(wildcards))
    if method in ("mars", *GENERATORS) or method not in known:
        stop(
            f"targets.{wildcards.target}: no detector of row {method!r}; mars has no weights of its "
            "own"
        )
    return f"results/data/{dataset}/action_boxes.parquet"


def detector_input(wildcards):
    """The target's frames and boxes and the weights that the row starts from."""
    found = {"boxes": action_boxes(wildcards)} | test_input(wildcards)
    if initial := finetuning_model(wildcards, "initial"):
        found["initial"] = initial
    return found


def detection_config(preset, *names, **more):
    """Some keys of `evaluation.detection` with what a detector sees, as canonical JSON."""
    chosen = SETTINGS.presets[preset]["evaluation"]["detection"]
    kept = {name: chosen[name] for name in names}
    return section(preset, "evaluation.clips", "validation", **kept, **more)


def person_boxes(wildcards):
    """The file of a detector's boxes, if the target's preset names one."""
    boxes = SETTINGS.presets[target_preset(wildcards)]["evaluation"]["detection"]["boxes"]
    return [] if boxes == "annotated" else boxes


# --- figures --------------------------------------------------------------------------------------
def shown_shard(wildcards):
    """The probed shard of a video that is to be drawn: the id alone says which."""
    for kind, name in (("presets", wildcards.preset), ("datasets", wildcards.dataset)):
        known = getattr(SETTINGS, kind)
        if name not in known:
            stop(f"{kind}: no {name!r} for a figure; choices: {', '.join(known)}")
    dataset = wildcards.dataset
    number = shard_of(f"{dataset}/{wildcards.video}", SETTINGS.datasets[dataset]["num_shards"])
    name = shard_name(number, SETTINGS.datasets[dataset]["num_shards"])
    return f"results/data/{dataset}/probed/{name}.parquet"


def shown_weights(wildcards):
    """Digest of a local file of RAFT weights, so that another file draws anew."""
    preset = SETTINGS.presets[wildcards.preset]
    path = preset["motion"]["raft"]["weights"]
    rows = preset["figures"]["motion"]["rows"]
    is_needed = "raft" in rows or flow_weights(wildcards) or edges_weights(wildcards)
    return file_digest(path) if is_needed and path else ""


def row_predictions(wildcards):
    """Predictions of one row of the leaderboard, all its splits and seeds."""
    check_target(wildcards.target)
    known = SETTINGS.methods(SETTINGS.targets[wildcards.target]["preset"])
    if wildcards.row not in known:
        stop(f"{wildcards.target}: no row {wildcards.row!r}; choices: {', '.join(known)}")
    if reason := unavailable(wildcards.target, wildcards.row):
        stop(f"{wildcards.target}, row {wildcards.row}: {reason}")
    return [run["predictions"] for run in table_runs(wildcards.target, [wildcards.row])]


def shown_source(wildcards):
    """Frames of a source's videos and who is in it."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb"])
    return found | {"source": f"results/data/sources/{wildcards.source}.parquet"}


def shown_model(wildcards):
    """The network of a recipe, by its own name or that of a preset that shares it."""
    pretraining_recipe(wildcards)
    return pretrained_model(wildcards.preset, wildcards.recipe, wildcards.source, wildcards.seed)


# --- tables ---------------------------------------------------------------------------------------
def table_methods(target, table):
    """Rows of a target's table: Table 5 has the built-in ones, the leaderboard all."""
    chosen = SETTINGS.targets[target]
    if table == "table5":
        return [method for method in chosen["methods"] if method in METHODS]
    return chosen["leaderboard"] or list(SETTINGS.methods(chosen["preset"]))


def table_runs(target, methods, role="test"):
    """One record per run behind a table: what it is and which files hold it."""
    chosen = SETTINGS.targets[target]
    runs = []
    for method in methods:
        if unavailable(target, method):
            continue
        for split in chosen["splits"]:
            for seed in chosen["seeds"]:
                folder = f"results/evaluation/{target}/{method}/{split}/seed{seed}"
                model = tested_model(target, method, split, seed)
                runs.append(
                    {
                        "method": method,
                        "split": split,
                        "seed": seed,
                        "predictions": f"{folder}/{role}.parquet",
                        "model": "" if method in CONTROLS else model,
                        "initial": initial_model(target, method, split, seed) or "",
                        "generator": generator_labels(target, method, split, seed),
                        "source": run_source(target, method, split),
                    }
                )
    return runs


def run_source(target, method, split):
    """Whose videos a run learned from; "" for weights that others published."""
    preset = SETTINGS.presets[SETTINGS.targets[target]["preset"]]
    return "" if method in preset["weights"] else source_of(target, split)


def generator_labels(target, method, split, seed):
    """Whose labels trained the pseudo-label generator or teacher of a row; "" for none."""
    if method not in ("appearance", "mers", "mars", "motionfit"):
        return ""
    modality = "rgb" if method == "appearance" else "flow"
    return parts_of(generator_of(target, split, seed, modality))[0]


def table_config(target, table):
    """What a table says beside the measured numbers."""
    chosen, methods = SETTINGS.targets[target], table_methods(target, table)
    preset = SETTINGS.presets[chosen["preset"]]
    return canonical(
        {
            "target": target,
            "dataset": chosen["dataset"],
            "source": "+".join(chosen["source"]),
            "backbone": preset["backbones"]["appearance"],
            "num_frames": preset["evaluation"]["clips"]["num_frames"],
            "resolution": preset["evaluation"]["clips"]["crop_px"],
            "is_smoke": "smoke" in (chosen["preset"], *bases_of(chosen["preset"])),
            "methods": methods,
            "unavailable": {m: unavailable(target, m) or "" for m in methods},
            "runs": table_runs(target, methods),
            "published": {
                name: stanza["layout"]
                for name, stanza in preset["weights"].items()
                if name in methods
            },
        }
    )


def bases_of(preset):
    while preset in SETTINGS.bases:
        preset = SETTINGS.bases[preset]
        yield preset


@functools.cache
def check_target(target):
    """Stop before any job unless the target is defined and all its datasets are there."""
    if target not in SETTINGS.targets:
        stop(f"targets: no target {target!r}; choices: {', '.join(SETTINGS.targets)}")
    chosen = SETTINGS.targets[target]
    labelled = [chosen["dataset"], chosen["generator"]["dataset"]]
    missing = []
    for dataset in dict.fromkeys([*labelled, *source_datasets(target)]):
        try:
            check_dataset(dataset, SETTINGS.datasets[dataset])
        except PipelineError as error:
            missing.append(str(error))
    if missing:
        stop("\n\n".join(missing))


def table_input(target, table):
    """Predictions and models behind a table, and the overlap of source and test videos."""
    check_target(target)
    runs = table_runs(target, table_methods(target, table))
    return {
        "predictions": [run["predictions"] for run in runs],
        "models": [run["model"] for run in runs if run["model"]],
        "overlap": f"results/data/overlap/{target}.parquet",
    }


@functools.cache
def table_definition(table):
    try:
        return read_definition(TABLES[table])
    except PipelineError as error:
        stop(error)


@functools.cache
def row_targets(target, table):
    """Row's name -> (row, derived target), for each row of a table that is defined as data."""
    check_target(target)
    chosen = SETTINGS.targets[target]
    known = (*GENERATORS, *SETTINGS.methods(chosen["preset"]))
    found = {}
    for row in table_definition(table).completed():
        if row.method not in known:
            stop(f"{table}, row {row.name}: method {row.method!r}; choices: {', '.join(known)}")
        source = row.source and tuple(chosen["dataset"] if s == TARGET else s for s in row.source)
        try:
            changes = resolved(row.changes, SETTINGS.presets[chosen["preset"]])
            derived = derive_target(target, changes, row.judged_by(chosen["dataset"]), source)
            if row.method not in (*GENERATORS, *CONTROLS):
                sections = finetuning_sections(SETTINGS.targets[derived]["preset"], row.method)
                sections += "evaluation.test", "evaluation.retrieval"
                derived = narrowed_target(derived, row.method, sections)
            # Built here, so that a preset that the changes make senseless names the row.
            found[row.name] = row, derived, SETTINGS.presets[SETTINGS.targets[derived]["preset"]]
        except PipelineError as error:
            stop(f"{table}, row {row.name}: {error}")
    return found


def table_row(target, table, name):
    """What `build_table` is told of one row."""
    row, derived, preset = row_targets(target, table)[name]
    chosen, definition = SETTINGS.targets[derived], table_definition(table)
    reason = row.unavailable or row_unavailable(derived, row)
    if (
        not reason
        and "map" in row.measures
        and not has_boxes(chosen["dataset"], SETTINGS.datasets[chosen["dataset"]])
    ):
        reason = f"needs boxes of actions, which {chosen['dataset']} has not"
    splits = chosen["splits"][:1] if definition.splits == "first" else chosen["splits"]
    runs = [] if reason else [r for r in table_runs(derived, [row.method]) if r["split"] in splits]
    wants_recall = any(measure.startswith("recall") for measure in row.measures)
    wants_boxes = "map" in row.measures
    if wants_recall or wants_boxes:
        kind = "retrieval" if wants_recall else "detections"
        retrieved = [run["predictions"].replace("test.parquet", f"{kind}.parquet") for run in runs]
        runs = [run | {"predictions": "", "model": ""} for run in runs]
    foreign = {run["generator"] for run in runs} - {""}
    foreign -= {f"{chosen['dataset']}.{split}" for split in splits}
    labels = [f"generator labels {', '.join(sorted(foreign))} for all splits"] if foreign else []
    clips = preset["clips" if row.method in GENERATORS else "evaluation"]
    clips = clips if row.method in GENERATORS else clips["clips"]
    network = "motion" if row.method == "generator" else "appearance"
    is_learnt = row.method not in ("random", "mars", *GENERATORS)
    wants_curve = "pretext_top1" in row.measures
    return {
        "name": row.name,
        "method": row.method,
        "backbone": preset["backbones"][network],
        "num_frames": clips["num_frames"],
        "resolution": clips["crop_px"],
        "source": "+".join(chosen["source"]) if is_learnt else "",
        "measures": row.measures,
        "gain_over": row.gain_over,
        "supervised": row.supervised,
        "published": definition.published(row, chosen["dataset"]),
        "unavailable": reason,
        "note": "; ".join([*filter(None, [row.note]), *labels]),
        "runs": runs,
        "histories": [history_of(run["initial"]) if wants_curve else "" for run in runs],
        "retrievals": retrieved if wants_recall or wants_boxes else ["" for _ in runs],
    }


def row_unavailable(target, row):
    """Why a row cannot be measured; "" where it can."""
    known = (*SETTINGS.datasets, *SETTINGS.views)
    for entry in SETTINGS.targets[target]["source"]:
        name = entry.partition(":")[0]
        if name not in known:
            return f"needs a dataset {name} as the source, and none is configured"
        try:
            check_dataset(dataset_of(name), SETTINGS.datasets[dataset_of(name)])
        except PipelineError:
            return f"needs the source {name}, which is not there"
    chosen = SETTINGS.targets[target]
    if row.method in GENERATORS and chosen["generator"]["dataset"] != chosen["dataset"]:
        return f"the generator knows the classes of {chosen['generator']['dataset']} alone"
    return unavailable(target, row.method) or ""


def data_table_config(target, table):
    """What a table that is defined as data says beside the measured numbers."""
    definition, preset = table_definition(table), SETTINGS.targets[target]["preset"]
    return canonical(
        {
            "title": definition.title,
            "target": target,
            "is_smoke": "smoke" in (preset, *bases_of(preset)),
            "rows": [table_row(target, table, row.name) for row in definition.rows],
            "others": definition.others(SETTINGS.targets[target]["dataset"]),
        }
    )


def data_table_input(wildcards):
    """Predictions, models and curves behind a table that is defined as data."""
    check_target(wildcards.target)
    names = row_targets(wildcards.target, wildcards.table)
    rows = [table_row(wildcards.target, wildcards.table, name) for name in names]
    runs = [run for row in rows for run in row["runs"]]
    return {
        "predictions": [run["predictions"] for run in runs if run["predictions"]],
        "models": [run["model"] for run in runs if run["model"]],
        "histories": [path for row in rows for path in row["histories"] if path],
        "retrievals": [path for row in rows for path in row["retrievals"] if path],
        "overlap": f"results/data/overlap/{wildcards.target}.parquet",
    }


def sweep_trials(sweep):
    """Every trial with its runs on validation videos."""
    if sweep not in SETTINGS.trials:
        stop(f"sweeps: no sweep {sweep!r}; choices: {', '.join(SETTINGS.trials) or 'none defined'}")
    for trial in SETTINGS.trials[sweep]:
        check_target(trial.target)
    return [
        {
            "method": trial.method,
            "trial": trial.target,
            "overrides": canonical(trial.overrides),
            "runs": table_runs(trial.target, [trial.method], "validation"),
        }
        for trial in SETTINGS.trials[sweep]
    ]


# --- plan -----------------------------------------------------------------------------------------
def plan_datasets(target):
    """Datasets of a target: its own, its generator's and its sources, by name as in the config."""
    chosen = SETTINGS.targets[target]
    return sorted({chosen["dataset"], chosen["generator"]["dataset"], *source_datasets(target)})


def plan_manifests(wildcards):
    check_target(wildcards.target)
    return [manifest(dataset) for dataset in plan_datasets(wildcards.target)]


def planned_videos(labels, *roles):
    """A split's videos of some roles, as a plan counts them."""
    return {"dataset": dataset_of(labels), "split": split_of(labels), "roles": roles}


def planned_training(preset, rule, recipe, network, parts, jobs=1):
    """One training of a plan, from the recipe that it will follow."""
    chosen = at_path(SETTINGS.presets[preset], recipe)
    return {
        "rule": rule,
        "jobs": jobs,
        "backbone": SETTINGS.presets[preset]["backbones"][network],
        "parts": parts,
        "kind": "train",
        "clips_per_video": chosen["clips_per_video"],
        "length": chosen["schedule"]["length"],
        "unit": chosen["schedule"]["unit"],
        "videos_per_step": chosen["videos_per_batch"] * chosen.get("accumulate", 1),
        "has_teacher": chosen.get("distillation_weight", 0.0) > 0.0,
    }


def planned_evaluation(preset, rule, network, parts, clips, jobs=1):
    """One pass of a network over videos."""
    backbone = SETTINGS.presets[preset]["backbones"][network]
    found = {"rule": rule, "jobs": jobs, "backbone": backbone, "parts": parts}
    return found | {"kind": "evaluate", "clips_per_video": clips}


def source_videos(source):
    """What a source's splits give, as a plan counts them."""
    return [planned_videos(part, "train", "unlabelled") for part in source.split("+")]


def planned_works(target):
    """Path -> one job on clips behind a target's Table 5; a path that rows share stands once."""
    chosen = SETTINGS.targets[target]
    preset, found = chosen["preset"], {}
    for run in table_runs(target, table_methods(target, "table5")):
        method, split = run["method"], run["split"]
        videos = [planned_videos(f"{chosen['dataset']}.{split}", "train")]
        recipe = f"evaluation.methods.{method}"
        found[run["model"]] = planned_training(preset, "finetune", recipe, "appearance", videos)
        tested = [videos[0] | {"roles": ("test",)}]
        clips = SETTINGS.presets[preset]["evaluation"]["test"]["num_clips"]
        found[run["predictions"]] = planned_evaluation(
            preset, "test_model", "appearance", tested, clips
        )
        found |= planned_initial(target, run)
        if method in ("appearance", "mers", "mars", "motionfit"):
            found |= planned_generator(target, run)
    return found


def planned_initial(target, run):
    """The training that a row's fine-tuning starts from, with the features that it needs."""
    rules = {
        "motionfit": ("self_train", "self_training"),
        "appearance": ("self_train", "self_training"),
        "mers": ("distill_motion", "distillation"),
        "supervised": ("train_supervised", "supervised"),
    }
    if run["method"] not in rules:
        return {}
    name, recipe = rules[run["method"]]
    preset, videos = SETTINGS.targets[target]["preset"], source_videos(run["source"])
    training = planned_training(preset, name, f"training.{recipe}", "appearance", videos)
    found = {run["initial"]: training}
    if name == "self_train":
        network = "motion" if run["method"] == "motionfit" else "appearance"
        passed = planned_evaluation(preset, "extract_features", network, videos, None)
        found[f"features of {run['initial']}"] = passed
    return found


def planned_generator(target, run):
    """The training of a row's generator or teacher."""
    preset = SETTINGS.targets[target]["preset"]
    is_rgb = run["method"] == "appearance"
    name = generator_of(target, run["split"], run["seed"], "rgb" if is_rgb else "flow")
    recipe, network = (
        ("training.generator_appearance", "appearance")
        if is_rgb
        else ("training.generator", "motion")
    )
    videos = [planned_videos(parts_of(name)[0], "train")]
    training = planned_training(preset, "train_generator", recipe, network, videos)
    return {generator_model(preset, name): training}


def flow_effort(flow):
    """Name of a method of flow at its settings, as measured speeds go by it."""
    if not flow["source"].startswith("tvl1"):
        return flow["source"]
    keys = ("num_scales", "num_warps", "inner_iterations", "outer_iterations")
    return "-".join([flow["source"], *(str(flow["tvl1"][key]) for key in keys)])


def flow_datasets(target):
    """Datasets whose flow the rows of a target's Table 5 read."""
    chosen, found = SETTINGS.targets[target], []
    rows = [row for row in table_methods(target, "table5") if not unavailable(target, row)]
    if {"motionfit", "mers", "mars"} & set(rows):
        found.append(chosen["generator"]["dataset"])
    if {"motionfit", "mers"} & set(rows):
        found += source_datasets(target)
    if "mars" in rows:
        found.append(chosen["dataset"])
    return list(dict.fromkeys(found))


def plan_config(wildcards):
    """What a target will do, without a word on how fast."""
    target = wildcards.target
    check_target(target)
    preset = SETTINGS.presets[SETTINGS.targets[target]["preset"]]
    grouped = {}
    for work in planned_works(target).values():
        grouped.setdefault(canonical(work), work | {"jobs": 0})["jobs"] += 1
    return canonical(
        {
            "frame_size": preset["frames"]["size"],
            "target_fps": preset["frames"]["target_fps"],
            "max_frames": preset["frames"]["max_frames"],
            "flow_datasets": flow_datasets(target),
            "flow_source": flow_effort(preset["motion"]["flow"]),
            "clip_frames": preset["clips"]["num_frames"],
            "clip_stride": preset["clips"]["stride"],
            "crop_px": preset["clips"]["crop_px"],
            "feature_step": preset["clustering"]["features"]["step"],
            "num_shards": {d: SETTINGS.datasets[d]["num_shards"] for d in plan_datasets(target)},
            "works": list(grouped.values()),
        }
    )
