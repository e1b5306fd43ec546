"""How every stage reads, writes and reports: atomic files, typed config, provenance."""
