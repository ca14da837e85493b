"""What a job found and did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spark_balance.cost import Explanation
from spark_balance.summary import ClassCounts, ResamplingPlan


@dataclass(frozen=True)
class JobResult:
    """What a job found and did; only `before` when it counted, no `after` when it was a dry run.

    `finished` alone is the manifest of the same run, when that was done before.
    """

    before: ClassCounts | None = None
    plan: ResamplingPlan | None = None
    after: ClassCounts | None = None
    output: str | None = None
    manifest: str | None = None
    report: str | None = None
    cost: Explanation | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    finished: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values that JSON can carry."""
        if self.finished is not None:
            return {**self.finished, "already_finished": True}
        return {
            "before": self.before and self.before.to_dict(),
            "plan": self.plan and self.plan.to_dict(),
            "after": self.after and self.after.to_dict(),
            "output": self.output,
            "manifest": self.manifest,
            "report": self.report,
            **({"cost": self.cost.to_dict()} if self.cost else {}),
            "notes": self.notes,
            "seconds": self.seconds,
        }
