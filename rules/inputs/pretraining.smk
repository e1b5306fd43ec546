"""What the rule `pretrain` reads, for every recipe."""


def pretraining_recipe(wildcards):
    """The recipe's section; a name that no recipe has stops with the choices."""
    known = SETTINGS.presets[wildcards.preset]["pretraining"]
    if wildcards.recipe not in known:
        stop(
            f"presets.{wildcards.preset}.pretraining: no recipe {wildcards.recipe!r}; choices: "
            f"{', '.join(known) or 'none'}"
        )
    return known[wildcards.recipe]


def published_weights(wildcards):
    """The stanza of published weights; an unknown name and a missing file stop before any job."""
    known = SETTINGS.presets[wildcards.preset]["weights"]
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


def recipe_clips(wildcards):
    """Where the clips of a recipe stand in its preset."""
    return f"pretraining.{wildcards.recipe}.clips"


def pretraining_module(wildcards):
    """The command of the recipe's objective."""
    return f"pipelines.pretraining.pretrain_{pretraining_recipe(wildcards)['objective']}"


def pretraining_config(wildcards):
    preset = SETTINGS.presets[wildcards.preset]
    return canonical(
        {
            "validation": preset["validation"],
            "backbone": preset["backbones"]["appearance"],
            "recipe": as_given(pretraining_recipe(wildcards)),
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
    found = stores(wildcards.preset, [dataset], ["rgb"], recipe_clips(wildcards))
    return {
        "watched-manifest": [split_manifest(dataset, split)],
        "watched-index": found["index"],
        "watched-frames": found["frames"],
    }


def pretraining_input(wildcards):
    """The source's clips, what goes with them, and who is in the source."""
    chosen = pretraining_recipe(wildcards)
    datasets = datasets_of(wildcards.source)
    clips = recipe_clips(wildcards)
    check_flow_clips(wildcards.preset, clips, chosen["reads"])
    found = stores(wildcards.preset, datasets, chosen["reads"], clips)
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
    datasets, clips = datasets_of(wildcards.source), recipe_clips(wildcards)
    options = [store_options(wildcards.preset, datasets, chosen["reads"], clips)]
    options += [f"--{name} {path}" for name, path in pretraining_files(wildcards).items()]
    if chosen["prior"]:
        options.append(f"--vectors {listed(vector_shards(wildcards))}")
    for name, paths in watched_files(wildcards).items():
        options.append(f"--{name} {paths[0] if name == 'watched-manifest' else listed(paths)}")
    return " ".join(options)
