"""Errors whose message is written for the person who runs the pipeline.

Each message says what was expected, what was found and what to do.
"""


class PipelineError(Exception):
    """Anything that a user can act on; commands print its message and exit with 1."""


class ConfigError(PipelineError):
    """A config key or value is unknown, missing or of the wrong type."""


class MissingGpuError(ConfigError):
    """A GPU is asked for where PyTorch finds none."""

    def __init__(self) -> None:
        """Say what to choose instead."""
        super().__init__(
            "compute.device is cuda, but PyTorch finds no GPU here; choose auto or cpu, or run "
            "where there is one"
        )


class DatasetError(PipelineError):
    """A dataset's files or annotations are missing or contradict each other."""


class ContractError(PipelineError):
    """An artifact is damaged, of another kind or of another schema version."""


class TooManySkippedError(PipelineError):
    """More videos were unusable than `limits.max_skipped_fraction` allows."""


class UnreadableVideoError(PipelineError):
    """One video cannot be used; it is recorded and skipped, never replaced.

    Attributes:
        kind: Short reason such as "truncated", as recorded in skipped tables.
    """

    def __init__(self, kind: str, detail: str) -> None:
        """Store the kind beside the readable detail."""
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
