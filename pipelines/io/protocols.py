"""How a pretrained network is judged: named sets of values of a preset's `evaluation`."""

from dataclasses import dataclass

from pipelines.io.schema import Section
from pipelines.io.sections import merged


@dataclass(frozen=True)
class Protocol:
    """An entry of `protocols`.

    Attributes:
        measures: "accuracy" after training on the target's labels, or "retrieval" without any.
        evaluation: What it sets in a preset's `evaluation`.
    """

    measures: str
    evaluation: Section


def under_protocol(text: Section, protocol: Protocol) -> Section:
    """A preset as written, judged by a protocol.

    What the protocol says of fine-tuning holds for every row, those included for which the preset
    says otherwise; only the protocol's own `methods` make exceptions. All else that a preset says
    of a row, the length of its schedule, say, stays.

    Args:
        text: The preset, rows holding what differs in them; not changed.
        protocol: Laid over it.
    """
    own = text.get("evaluation", {})
    common = protocol.evaluation.get("finetuning", {})
    rows = {row: merged(values, common) for row, values in own.get("methods", {}).items()}
    return {**text, "evaluation": merged({**own, "methods": rows}, protocol.evaluation)}
