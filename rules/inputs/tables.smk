"""Rows and runs behind a table."""


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
    try:
        SETTINGS.targets.check(target)
    except ConfigError as error:
        stop(f"{error}; a file of your own needs --configfile")
    chosen = SETTINGS.targets[target]
    labelled = [chosen["dataset"], chosen["generator"]["dataset"]]
    missing = []
    for dataset in dict.fromkeys([*labelled, *source_datasets(target)]):
        try:
            check_dataset(dataset, SETTINGS.datasets[dataset])
            split_columns(dataset, SETTINGS.datasets[dataset])
        except PipelineError as error:
            missing.append(str(error))
    if missing:
        stop("\n\n".join(missing))
    try:
        for split in chosen["splits"]:
            check_one_of(f"targets.{target}.splits", split, splits_of(chosen["dataset"]))
    except PipelineError as error:
        stop(f"{error}{unnamed_splits(chosen['dataset'])}")


def check_runs(target, runs, *roles):
    """Stop before any job where a split has no videos to train or to test on.

    The splits are those of the runs: others, and those of sources, may be without.
    """
    # The processes of jobs are given what the first one has checked.
    if not workflow.is_main_process:
        return
    dataset = SETTINGS.targets[target]["dataset"]
    needed = {(f"targets.{target}.splits", f"{dataset}.{run['split']}", roles) for run in runs}
    needed |= {
        (f"targets.{target}.generator", run["generator"], ("train",))
        for run in runs
        if run["generator"]
    }
    for place, labels, wanted in sorted(needed):
        counts = listing(dataset_of(labels)).roles
        try:
            check_roles(place, dataset_of(labels), split_of(labels), counts, *wanted)
        except PipelineError as error:
            stop(error)


def table_input(target, table):
    """Predictions and models behind a table, and the overlap of source and test videos."""
    check_target(target)
    runs = table_runs(target, table_methods(target, table))
    check_runs(target, runs, "train", "test")
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
    """Row's name -> (row, a derived target per draw of its labels, its preset)."""
    check_target(target)
    chosen = SETTINGS.targets[target]
    known = (*GENERATORS, *SETTINGS.methods(chosen["preset"]))
    found = {}
    for row in table_definition(table).completed():
        if row.method not in known:
            stop(f"{table}, row {row.name}: method {row.method!r}; choices: {', '.join(known)}")
        source = row.source and tuple(chosen["dataset"] if s == TARGET else s for s in row.source)
        try:
            if row.source_percent < 100:
                offered = source or chosen["source"]
                source = tuple(with_share(entry, row.source_percent) for entry in offered)
            first = row_target(target, row, source)
            # Built here, so that a preset that the changes make senseless names the row.
            preset = SETTINGS.presets[SETTINGS.targets[first]["preset"]]
            labels = preset["evaluation"]["labels"]
            knows_few = labels["per_class"] is not None or labels["fraction"] < 1
            knows_few = knows_few and other_file(row) != "detections"
            draws = range(1, row.draws if knows_few and labels["choice"] == "random" else 1)
            targets = first, *(row_target(target, row, source, draw) for draw in draws)
            found[row.name] = row, targets, preset
        except PipelineError as error:
            stop(f"{table}, row {row.name}: {error}")
    return found


def row_target(target, row, source, draw=0):
    """The target that a row derives, of one draw of the labels."""
    chosen = SETTINGS.targets[target]
    changes = resolved(row.changes, SETTINGS.presets[chosen["preset"]])
    if draw:
        changes = {**changes, "evaluation.labels.draw": draw}
    protocol = row.judged_by(chosen["dataset"])
    return judged_target(target, row.method, changes, protocol, source, other_file(row))


def judged_target(target, method, changes, protocol, source, kind=""):
    """The target under whose name a method's runs are kept, judged by a protocol.

    `kind` is the file that the runs are judged by, where it is not their predictions of classes.
    """
    derived = derive_target(target, changes, protocol, source)
    if method in (*GENERATORS, *CONTROLS):
        return derived
    preset = SETTINGS.targets[derived]["preset"]
    if kind == "detections":
        return narrowed_target(derived, method, detection_sections(preset, method))
    sections = finetuning_sections(preset, method)
    sections += "evaluation.test", "evaluation.retrieval"
    return narrowed_target(derived, method, sections)


# What a measure needs beside predictions of classes: a run's other file, by what the name begins with.
FOUND = {"recall": "retrieval", "map": "detections"}


def other_file(row):
    """The file that a row's measures need beside predictions of classes; "" for none."""
    kinds = (measure.split("_")[0] for measure in row.measures)
    return next((FOUND[kind] for kind in kinds if kind in FOUND), "")


@functools.cache
def table_row(target, table, name):
    """What `build_table` is told of one row."""
    row, targets, preset = row_targets(target, table)[name]
    chosen, definition = SETTINGS.targets[targets[0]], table_definition(table)
    reason = row.unavailable or row_unavailable(targets[0], row)
    runs = [] if reason else row_runs(targets, row.method, definition.splits)
    is_generator = row.method in GENERATORS
    clips = preset["clips"] if is_generator else preset["evaluation"]["clips"]
    is_learnt = row.method not in ("random", "mars", *GENERATORS)
    kind = other_file(row)
    wants_curve = "pretext_top1" in row.measures
    return {
        "name": row.name,
        "method": row.method,
        "backbone": preset["backbones"]["motion" if row.method == "generator" else "appearance"],
        "num_frames": clips["num_frames"],
        "resolution": clips["crop_px"],
        "source": "+".join(chosen["source"]) if is_learnt else "",
        "measures": row.measures,
        "gain_over": row.gain_over,
        "supervised": row.supervised,
        "published": definition.published(row, chosen["dataset"]),
        "unavailable": reason,
        "note": "; ".join(filter(None, [row.note, foreign_labels(chosen["dataset"], runs)])),
        # Where neighbours or boxes are asked for, no classes are predicted.
        "runs": [run | {"predictions": "", "model": ""} for run in runs] if kind else runs,
        "histories": [history_of(run["initial"]) if wants_curve else "" for run in runs],
        "retrievals": [beside(run["predictions"], kind) if kind else "" for run in runs],
        "max_labels_per_frame": preset["evaluation"]["detection"]["max_labels_per_frame"],
    }


def row_runs(targets, method, splits):
    """A row's runs on the first split or on all, of every draw of its labels."""
    first = SETTINGS.targets[targets[0]]["splits"][0]
    return [
        run | {"draw": draw}
        for draw, target in enumerate(targets)
        for run in table_runs(target, [method])
        if splits == "all" or run["split"] == first
    ]


def beside(predictions, kind):
    """Path of another file of the run that a file of predictions belongs to."""
    return str(Path(predictions).with_name(f"{kind}.parquet"))


def foreign_labels(dataset, runs):
    """Says whose labels trained the generators where they are not those of the run's split."""
    found = {run["generator"] for run in runs} - {""}
    found -= {f"{dataset}.{run['split']}" for run in runs}
    return f"generator labels {', '.join(sorted(found))} for all splits" if found else ""


def row_unavailable(target, row):
    """Why a row cannot be measured; "" where it can."""
    known = (*SETTINGS.datasets, *SETTINGS.views)
    for entry in SETTINGS.targets[target]["source"]:
        name = parse_entry(entry).name
        if name not in known:
            return f"needs a dataset {name} as the source, and none is configured"
        try:
            check_dataset(shown_dataset(name), SETTINGS.datasets[shown_dataset(name)])
        except PipelineError:
            return f"needs the source {name}, which is not there"
    chosen = SETTINGS.targets[target]
    dataset = chosen["dataset"]
    if row.method in GENERATORS and chosen["generator"]["dataset"] != dataset:
        return f"the generator knows the classes of {chosen['generator']['dataset']} alone"
    wanted = SETTINGS.presets[chosen["preset"]]["evaluation"]["labels"]["per_class"]
    is_detector = other_file(row) == "detections"
    if wanted is not None and not is_detector and (found := smallest_class(target)) < wanted:
        return f"needs {wanted} training videos of every class, and {dataset} has {found} of one"
    if "map" in row.measures and not has_boxes(dataset, SETTINGS.datasets[dataset]):
        return f"needs boxes of actions, which {dataset} has not"
    return unavailable(target, row.method) or ""


def smallest_class(target):
    """Training videos of the smallest class in any split, validation videos left out."""
    chosen = SETTINGS.targets[target]
    held = SETTINGS.presets[chosen["preset"]]["validation"]["fraction"]
    return fewest_in(chosen["dataset"], tuple(chosen["splits"]), held, tuple(chosen["seeds"]))


@functools.cache
def fewest_in(dataset, splits, held, seeds):
    """The same, once for all rows that agree in it."""
    try:
        return fewest_per_class(dataset, SETTINGS.datasets[dataset], splits, held, seeds)
    except PipelineError as error:
        stop(error)


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
    check_runs(wildcards.target, runs, "train", "test")
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
    found = [
        {
            "method": trial.method,
            "trial": trial.target,
            "overrides": canonical(trial.overrides),
            "runs": table_runs(trial.target, [trial.method], "validation"),
        }
        for trial in SETTINGS.trials[sweep]
    ]
    for trial in found:
        check_runs(trial["trial"], trial["runs"], "train")
    return found
