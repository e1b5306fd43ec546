"""Datasets, their splits, and the sources that they make up."""


def is_generated(dataset):
    """Whether a rule makes the dataset's videos."""
    return ADAPTERS[SETTINGS.datasets[dataset]["adapter"]].is_generated


@functools.cache
def listed_boxes(dataset):
    """Digest of the annotations of a dataset of action boxes; as `listing` it may stop."""
    stanza = SETTINGS.datasets[dataset]
    if is_generated(dataset):
        return "generated"
    try:
        check_dataset(dataset, stanza)
        return annotation_digest(dataset, stanza)
    except PipelineError as error:
        stop(error)


def without_collector(function):
    """Python's search for cycles is off meanwhile: among 240,000 videos there are none to find.

    It would take a fifth of a plan's time.
    """

    @functools.wraps(function)
    def called(*arguments):
        gc.disable()
        try:
            return function(*arguments)
        finally:
            gc.enable()

    return called


@functools.cache
@without_collector
def listing(dataset):
    """Lists of each shard's files and each split's videos; a digest of all; videos by split and role.

    Computed while the DAG is built, so that an added video re-runs its own shard only and an edited
    label none. A missing dataset stops here, before any job, with one message.
    """
    stanza = SETTINGS.datasets[dataset]
    try:
        check_shard_count(dataset, stanza["num_shards"], Path("results"))
        check_dataset(dataset, stanza)
        found = known_listing(dataset, stanza)
    except PipelineError as error:
        stop(error)
    try:
        check_share(len(found.videos), found.problems, {}, SETTINGS.limits["max_skipped_fraction"])
    except PipelineError as error:
        stop(f"datasets.{dataset}: {error}")
    root = None if is_generated(dataset) else stanza["root"]
    shards = shard_files(found.videos, root, stanza["num_shards"])
    splits = split_videos(found.videos, splits_of(dataset))
    return SimpleNamespace(
        files=[written(encode_list(files), "json") for files in shards],
        splits={name: written(encode_list(rows), "json") for name, rows in splits.items()},
        digest=listing_digest(found),
        roles=count_roles(found.videos),
    )


def splits_of(dataset):
    """Names of a dataset's splits."""
    return split_names(dataset, SETTINGS.datasets[dataset])


def unnamed_splits(dataset):
    """The end of a message on an unknown split: columns of a table that the config does not name."""
    try:
        others = set(split_columns(dataset, SETTINGS.datasets[dataset])) - set(splits_of(dataset))
    except PipelineError as error:
        stop(error)
    if not others:
        return ""
    named = ", ".join(sorted(others))
    return f"; its table has columns {named} as well, which datasets.{dataset}.splits does not name"


def manifest(dataset):
    return f"results/data/{dataset}/manifest.parquet"


def split_manifest(dataset, split):
    """The manifest of one split: an edit of another one leaves it alone."""
    return f"results/data/{dataset}/splits/{split}.parquet"


def dataset_of(labels):
    """`ucf101` of `ucf101.split1`, also where a view of it is named."""
    return shown_dataset(labels.split(".")[0])


def shown_dataset(name):
    """The dataset behind a view; a dataset is its own."""
    return SETTINGS.views[name]["dataset"] if name in SETTINGS.views else name


def split_of(labels):
    """`split1` of `ucf101.split1`."""
    return labels.split(".")[1]


def datasets_of(source):
    """Datasets of a source such as `unlabelled.all+ut_interaction.few1`, each once."""
    return list(dict.fromkeys(shown_dataset(part.name) for part in parts_in(source)))


def parts_in(source):
    """What each dataset gives to a source."""
    return [parse_part(part) for part in source.split("+")]


def source_datasets(target):
    """Datasets of a target's source."""
    return [shown_dataset(parse_entry(text).name) for text in SETTINGS.targets[target]["source"]]


@functools.cache
def excluded_classes(view):
    """Classes that a view leaves out, from config.yaml or the file named there."""
    chosen = SETTINGS.views[view]["exclude_classes"] if view in SETTINGS.views else []
    if not isinstance(chosen, str):
        return chosen
    try:
        return read_classes(Path(chosen))
    except PipelineError as error:
        stop(f"views.{view}.exclude_classes: {error}")


def source_parts(source):
    """What each dataset gives to a source: a share of a split, without classes a view leaves out."""
    return [
        {
            "split": part.split,
            "exclude_classes": excluded_classes(part.name),
            **({} if part.percent == 100 else {"percent": part.percent}),
        }
        for part in parts_in(source)
    ]


def source_of(target, split):
    """Name of a target's source for one split: which splits of which datasets."""
    parts = []
    for text in SETTINGS.targets[target]["source"]:
        entry = parse_entry(text)
        known = splits_of(shown_dataset(entry.name))
        chosen = entry.split or (split if split in known else known[0] if len(known) == 1 else "")
        if chosen not in known:
            stop(
                f"targets.{target}.source: {entry.name} has no split {chosen or split!r}; "
                f"write {entry.name}:SPLIT with one of {', '.join(known)}"
                f"{unnamed_splits(shown_dataset(entry.name))}"
            )
        parts.append(entry._replace(split=chosen).part())
    return "+".join(parts)


def generator_of(target, split, seed, modality):
    """Name of the pseudo-label generator that serves a target's split."""
    chosen = SETTINGS.targets[target]["generator"]
    dataset = chosen["dataset"]
    name = split if chosen["split"] == "same" else chosen["split"]
    known = splits_of(SETTINGS.targets[target]["dataset"])
    if split not in known:
        stop(f"targets.{target}.splits: no split {split!r}; choices: {', '.join(known)}")
    if name not in splits_of(dataset):
        stop(
            f"targets.{target}.generator.split: {dataset} has no split {name!r}; choices: "
            f"{', '.join(splits_of(dataset))}{unnamed_splits(dataset)}"
        )
    return f"{dataset}.{name}.{modality}.seed{seed}"


def parts_of(generator):
    """labels, modality and seed of a generator's name."""
    labels, modality, seed = generator.rsplit(".", 2)
    return labels, modality, int(seed.removeprefix("seed"))
