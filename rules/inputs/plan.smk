"""The work behind a target, for an estimate of its cost."""

# Rows of Table 5 that see videos of the source.
LEARN_FROM_SOURCE = ("motionfit", "appearance", "mers", "supervised")


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


def planned_clips(preset, clips):
    """What a network sees, as a plan counts it."""
    chosen = at_path(SETTINGS.presets[preset], clips)
    return {name: chosen[name] for name in ("num_frames", "stride", "crop_px")}


def planned_training(preset, rule, recipe, network, parts, clips="clips"):
    """One training of a plan, from the recipe that it will follow."""
    chosen = at_path(SETTINGS.presets[preset], recipe)
    return {
        "rule": rule,
        "backbone": SETTINGS.presets[preset]["backbones"][network],
        "parts": parts,
        "clips": planned_clips(preset, clips),
        "kind": "train",
        "clips_per_video": chosen["clips_per_video"],
        "length": chosen["schedule"]["length"],
        "unit": chosen["schedule"]["unit"],
        "videos_per_step": chosen["videos_per_batch"] * chosen.get("accumulate", 1),
        "has_teacher": chosen.get("distillation_weight", 0.0) > 0.0,
    }


def planned_evaluation(preset, rule, network, parts, clips_per_video, clips="clips"):
    """One pass of a network over videos."""
    backbone = SETTINGS.presets[preset]["backbones"][network]
    found = {"rule": rule, "backbone": backbone, "parts": parts}
    found |= {"clips": planned_clips(preset, clips), "clips_per_video": clips_per_video}
    return found | {"kind": "evaluate"}


def source_videos(source):
    """What a source's splits give, as a plan counts them."""
    return [
        planned_videos(f"{part.name}.{part.split}", "train", "unlabelled")
        | {"percent": part.percent}
        for part in parts_in(source)
    ]


def planned_works(target):
    """Path -> one job on clips behind a target's Table 5; a path that rows share stands once."""
    chosen = SETTINGS.targets[target]
    preset, found = chosen["preset"], {}
    for run in planned_runs(target):
        method, split = run["method"], run["split"]
        videos = [planned_videos(f"{chosen['dataset']}.{split}", "train")]
        recipe = f"evaluation.methods.{method}"
        training = planned_training(preset, "finetune", recipe, "appearance", videos, JUDGED_CLIPS)
        tested = [videos[0] | {"roles": ("test",)}]
        number = SETTINGS.presets[preset]["evaluation"]["test"]["num_clips"]
        test = planned_evaluation(preset, "test_model", "appearance", tested, number, JUDGED_CLIPS)
        works = {run["model"]: training, run["predictions"]: test}
        works |= planned_initial(target, run)
        if run["generator"]:
            works |= planned_generator(target, run)
        for path, work in works.items():
            found.setdefault(path, work | {"rows": []})["rows"].append(method)
    return found


def planned_runs(target):
    """Every run behind a target's Table 5."""
    return table_runs(target, table_methods(target, "table5"))


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
    clips = STUDENT_CLIPS if name == "self_train" else "clips"
    training = planned_training(preset, name, f"training.{recipe}", "appearance", videos, clips)
    found = {run["initial"]: training}
    if name == "self_train":
        found |= planned_features(target, run)
    return found


def planned_features(target, run):
    """A generator's pass over a source: over all videos of its datasets, a job per shard."""
    preset = SETTINGS.targets[target]["preset"]
    modality = "rgb" if run["method"] == "appearance" else "flow"
    network = "appearance" if modality == "rgb" else "motion"
    generator = generator_of(target, run["split"], run["seed"], modality)
    paths = feature_shards(preset, generator, run["source"])
    videos = [{"dataset": dataset} for dataset in datasets_of(run["source"])]
    passed = planned_evaluation(preset, "extract_features", network, videos, None)
    return {paths[0]: passed | {"num_shards": len(paths)}}


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


def planned_others(target):
    """Rule -> its jobs, of a Table 5's other rules but those that make the manifests."""
    runs = planned_runs(target)
    labelled = {run["initial"] for run in runs if run["method"] in ("motionfit", "appearance")}
    listed = {run["source"] for run in runs if run["method"] in LEARN_FROM_SOURCE}
    found = {
        "index_frames": sum(len(frames["datasets"]) for frames in planned_frames(target)),
        "select_source": len(listed),
        "fit_clusters": len(labelled),
        "assign_pseudolabels": len(labelled),
        "report_overlap": 1,
        "build_table5": 1,
    }
    return {rule: jobs for rule, jobs in found.items() if jobs}


def flow_effort(flow):
    """Name of a method of flow at its settings, as measured speeds go by it."""
    if not flow["source"].startswith("tvl1"):
        return flow["source"]
    keys = ("num_scales", "num_warps", "inner_iterations", "outer_iterations")
    return "-".join([flow["source"], *(str(flow["tvl1"][key]) for key in keys)])


def planned_rows(target):
    """Rows of a target's Table 5 that can be measured."""
    rows = table_methods(target, "table5")
    return {row for row in rows if not unavailable(target, row)}


def flow_datasets(target):
    """Datasets whose flow the rows of a target's Table 5 read."""
    chosen, found, rows = SETTINGS.targets[target], [], planned_rows(target)
    if {"motionfit", "mers", "mars"} & rows:
        found.append(chosen["generator"]["dataset"])
    if {"motionfit", "mers"} & rows:
        found += source_datasets(target)
    if "mars" in rows:
        found.append(chosen["dataset"])
    return list(dict.fromkeys(found))


def planned_frames(target):
    """Frames that the rows of a target's Table 5 read: those of the flow, and of clips of frames."""
    chosen, rows, sources = SETTINGS.targets[target], planned_rows(target), source_datasets(target)
    read = [(chosen["dataset"], JUDGED_CLIPS)]
    read += [(dataset, "clips") for dataset in flow_datasets(target)]
    if "appearance" in rows:
        read += [(dataset, "clips") for dataset in (chosen["generator"]["dataset"], *sources)]
    if {"motionfit", "appearance"} & rows:
        read += [(dataset, STUDENT_CLIPS) for dataset in sources]
    if {"mers", "supervised"} & rows:
        read += [(dataset, "clips") for dataset in sources]
    preset, found = SETTINGS.presets[chosen["preset"]], {}
    for dataset, clips in read:
        size = at_path(preset, clips)["frame_size"] or preset["frames"]["size"]
        found.setdefault(tuple(size), {})[dataset] = None
    return [{"size": size, "datasets": list(names)} for size, names in found.items()]


def plan_config(wildcards):
    """What a target will do, without a word on how fast."""
    target = wildcards.target
    check_target(target)
    preset = SETTINGS.presets[SETTINGS.targets[target]["preset"]]
    grouped = {}
    for work in planned_works(target).values():
        rows = work.pop("rows")
        same = grouped.setdefault(canonical(work), work | {"jobs": 0, "rows": []})
        same["jobs"] += 1
        same["rows"] = list(dict.fromkeys([*same["rows"], *rows]))
    return canonical(
        {
            "frames": planned_frames(target),
            "target_fps": preset["frames"]["target_fps"],
            "max_frames": preset["frames"]["max_frames"],
            "flow": {"size": preset["frames"]["size"], "datasets": flow_datasets(target)},
            "flow_source": flow_effort(preset["motion"]["flow"]),
            "feature_step": preset["clustering"]["features"]["step"],
            "num_shards": {d: SETTINGS.datasets[d]["num_shards"] for d in plan_datasets(target)},
            "works": list(grouped.values()),
            "others": planned_others(target),
        }
    )
