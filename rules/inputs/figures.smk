"""What the rules of `figures` read."""


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


def shown_source(wildcards, modalities=("rgb",)):
    """Frames of a source's videos and who is in it."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), modalities)
    return found | {"source": f"results/data/sources/{wildcards.source}.parquet"}


def shown_model(wildcards):
    """The network of a recipe, by its own name or that of a preset that shares it."""
    pretraining_recipe(wildcards)
    return pretrained_model(wildcards.preset, wildcards.recipe, wildcards.source, wildcards.seed)


def curves_table(wildcards):
    """The table that is drawn, where its definition has a figure."""
    if table_definition(wildcards.table).figure is None:
        known = [name for name in TABLES if table_definition(name).figure]
        stop(f"{wildcards.table}: its rows are no curves; tables that are: {', '.join(known)}")
    return f"results/{wildcards.target}_{wildcards.table}.csv"


def curves_config(wildcards):
    """Which rows stand where."""
    definition = table_definition(wildcards.table)
    return canonical(
        {
            "title": f"{wildcards.target}: {definition.title}",
            "curves": msgspec.to_builtins(definition.figure),
        }
    )


def check_network_row(target, row):
    """Stop before any job unless the target has the row, with a network and all that it needs."""
    check_target(target)
    methods = SETTINGS.methods(SETTINGS.targets[target]["preset"])
    known = [name for name in methods if name not in CONTROLS]
    if row not in known:
        stop(f"{target}: no row {row!r} with a network; choices: {', '.join(known)}")
    if reason := unavailable(target, row):
        stop(f"{target}, row {row}: {reason}")


def attention_run(wildcards, row):
    """First run of a row under a protocol."""
    check_network_row(wildcards.target, row)
    try:
        derived = judged_target(wildcards.target, row, {}, wildcards.protocol, None)
    except PipelineError as error:
        stop(error)
    return table_runs(derived, [row])[0]


def attention_preset(wildcards):
    """The preset under the protocol: what clips the networks were tested on."""
    preset = SETTINGS.targets[wildcards.target]["preset"]
    try:
        return derive_preset(preset, {}, wildcards.protocol)
    except PipelineError as error:
        stop(error)


def attention_input(wildcards):
    """Both rows' networks and predictions, and the frames of the target."""
    runs = [attention_run(wildcards, row) for row in (wildcards.row, wildcards.other)]
    found = stores(attention_preset(wildcards), [target_dataset(wildcards)], ["rgb"], JUDGED_CLIPS)
    found["models"] = [run["model"] for run in runs]
    found["predictions"] = [run["predictions"] for run in runs]
    return found


def attention_stores(wildcards):
    """The command-line options that go with the frames."""
    return store_options(attention_preset(wildcards), [target_dataset(wildcards)], ["rgb"])


def attention_config(wildcards):
    """Clips of the test, and whose networks they are."""
    names = [wildcards.row, wildcards.other]
    return section(attention_preset(wildcards), JUDGED_CLIPS, names=names)


def pretext_source(wildcards):
    """Frames and flow of a source's videos and who is in it; only MoSI's networks have outputs."""
    if pretraining_recipe(wildcards)["objective"] != "mosi":
        recipes = SETTINGS.presets[wildcards.preset]["pretraining"]
        known = [name for name, recipe in recipes.items() if recipe["objective"] == "mosi"]
        stop(f"{wildcards.recipe} tells no pseudo motions apart; choices: {', '.join(known)}")
    check_flow_clips(wildcards.preset, "clips", ("rgb", "flow"))
    return shown_source(wildcards, ("rgb", "flow"))


def pretext_config(wildcards):
    """Clips, and which pseudo motions the outputs are."""
    motion = pretraining_recipe(wildcards)["options"]["motion"]
    chosen = {key: motion[key] for key in ("granularity", "axes")}
    return section(wildcards.preset, "clips", **chosen)


def shown_retrieval(wildcards):
    """What a row as pretrained finds near each test video, and the frames of the target."""
    check_network_row(wildcards.target, wildcards.row)
    folder = f"results/evaluation/{wildcards.target}/{wildcards.row}/{wildcards.split}"
    datasets = [target_dataset(wildcards)]
    found = stores(target_preset(wildcards), datasets, ["rgb"], JUDGED_CLIPS)
    return found | {"retrieved": f"{folder}/seed{wildcards.seed}/retrieval.parquet"}
