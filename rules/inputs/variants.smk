"""Presets and targets that rows of tables, and sizes of frames, derive."""

VARIANTS = Path("scratch/variants")
# Derived target -> what it differs in.
ORIGINS = {}


def derive_preset(root, changes, protocol):
    """Name of a preset that differs from another in some values or in how it is judged."""
    return kept(SETTINGS.variants.name(root, changes, protocol))


def kept(name):
    """The name of a preset, which other processes can look up from now on."""
    if name in SETTINGS.variants.known:
        write_variant(VARIANTS, name, StoredVariant(*SETTINGS.variants.known[name]))
    return name


def derive_target(target, changes, protocol, source):
    """Name of a target that differs from another in its preset or its source."""
    chosen = SETTINGS.targets[target]
    preset = derive_preset(chosen["preset"], changes, protocol)
    differs = source is not None and list(source) != chosen["source"]
    if preset == chosen["preset"] and not differs:
        return target
    known = SETTINGS.variants.known
    _, changes, protocol = known[preset] if preset in known else (preset, {}, "")
    own = list(source) if differs else None
    stored = StoredVariant(chosen["preset"], changes, protocol, target, own)
    told = [preset, stored.source]
    name = f"{target}-{hashlib.sha256(canonical(told).encode()).hexdigest()[:8]}"
    write_variant(VARIANTS, name, stored)
    recall_target(name, stored)
    return name


def recall_target(name, stored):
    """Make a derived target known."""
    preset = SETTINGS.variants.name(stored.root, stored.changes, stored.protocol)
    ORIGINS[name] = stored
    more = {} if stored.source is None else {"source": stored.source}
    SETTINGS.targets[name] = {**SETTINGS.targets[stored.target], "preset": preset, **more}


def recall_variants():
    """Make known what other processes derived: a cluster job is given one output alone."""
    for name, stored in read_variants(VARIANTS).items():
        # The configuration may have changed since: what no longer fits is derived anew.
        if stored.root not in SETTINGS.presets:
            continue
        try:
            if stored.target in SETTINGS.targets:
                recall_target(name, stored)
            elif not stored.target:
                SETTINGS.variants.name(stored.root, stored.changes, stored.protocol)
        except PipelineError:
            (VARIANTS / f"{name}.json").unlink(missing_ok=True)


recall_variants()
