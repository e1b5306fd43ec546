"""What the rules of `evaluation` read."""

JUDGED_CLIPS = "evaluation.clips"


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
    return training_config(
        preset,
        f"evaluation.methods.{wildcards.method}",
        "rgb",
        JUDGED_CLIPS,
        labels=SETTINGS.presets[preset]["evaluation"]["labels"],
    )


def check_run(wildcards):
    """Stop before any job unless the target has the row and its dataset the split."""
    target, dataset = wildcards.target, target_dataset(wildcards)
    rows = [row for row in SETTINGS.methods(target_preset(wildcards)) if row not in CONTROLS]
    try:
        check_one_of(f"targets.{target}, row", wildcards.method, rows)
        check_one_of(f"targets.{target}, split", wildcards.split, splits_of(dataset))
    except ConfigError as error:
        stop(error)


def finetuning_input(wildcards):
    """The target's training videos and the weights that the row starts from."""
    dataset, preset = target_dataset(wildcards), target_preset(wildcards)
    if has_boxes(dataset, SETTINGS.datasets[dataset]):
        stop(
            f"targets.{wildcards.target}: {dataset} has boxes with actions and no class of whole "
            "videos; make results/evaluation/{target}/{method}/{split}/seed{seed}/"
            "detections.parquet"
        )
    check_run(wildcards)
    modalities = finetuning_modalities(wildcards)
    check_flow_clips(preset, JUDGED_CLIPS, modalities)
    found = stores(preset, [dataset], modalities, JUDGED_CLIPS)
    found["manifest"] = split_manifest(dataset, wildcards.split)
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
    found += [JUDGED_CLIPS, "evaluation.labels", *learnt_sections(preset, method)]
    return tuple(dict.fromkeys(found))


def detection_sections(preset, method):
    """All that a row's detections depend on; a detector reads no labels of whole videos."""
    found = [*FRAMES, "validation", "backbones.appearance", JUDGED_CLIPS]
    found += ["evaluation.detection", *learnt_sections(preset, method)]
    return tuple(dict.fromkeys(found))


def learnt_sections(preset, method):
    """All that a row's initial weights and its teacher depend on."""
    learnt = {"motionfit": "self_training.flow", "appearance": "self_training.rgb"}
    learnt |= {"mers": "distillation", "mars": "generator.flow", "supervised": "supervised"}
    if method in learnt:
        return sections_of(preset, learnt[method])
    return () if method == "random" else initial_sections(preset, method)


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
    modalities, clips = tested_modalities(wildcards), tested_clips(wildcards)
    found = stores(target_preset(wildcards), [dataset], modalities, clips)
    return found | {"manifest": split_manifest(dataset, wildcards.split)}


def tested_clips(wildcards):
    """Where the clips of a test stand: a generator's are as it was trained on."""
    return "clips" if wildcards.method in GENERATORS else JUDGED_CLIPS


def test_config(wildcards):
    """Views and clips."""
    preset, clips = target_preset(wildcards), tested_clips(wildcards)
    return section(preset, clips, "validation", "evaluation.test")


def retrieval_input(wildcards):
    """The target's videos and the network as pretrained."""
    if wildcards.method == "mars":
        stop(
            f"{wildcards.target}: mars is trained on the target's labels alone; retrieval needs a "
            "row that is pretrained, or random"
        )
    check_run(wildcards)
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
    return section(preset, JUDGED_CLIPS, "evaluation.retrieval", backbone=backbone)


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
    return section(preset, JUDGED_CLIPS, "validation", **kept, **more)


def person_boxes(wildcards):
    """The file of a detector's boxes, if the target's preset names one."""
    boxes = SETTINGS.presets[target_preset(wildcards)]["evaluation"]["detection"]["boxes"]
    return [] if boxes == "annotated" else boxes
