"""The work behind a target, for an estimate of its cost."""


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
    return [
        planned_videos(f"{part.name}.{part.split}", "train", "unlabelled")
        | {"percent": part.percent}
        for part in parts_in(source)
    ]


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
