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


def shown_source(wildcards):
    """Frames of a source's videos and who is in it."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb"])
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
