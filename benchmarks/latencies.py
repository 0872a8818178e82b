"""How long things took, summed up: percentiles, and multiples of a yardstick that was measured in the same run."""

from dataclasses import dataclass
from statistics import quantiles
from typing import Any

MOST_ROUND_TRIPS = 6


@dataclass(frozen=True, slots=True)
class Latencies:
    """One thing, done many times.

    Attributes:
        what: in words.
        seconds: how long each time took; at least two.
    """

    what: str
    seconds: tuple[float, ...]

    @property
    def p50(self) -> float:
        """The median, in seconds."""
        return self._percentile(50)

    @property
    def p95(self) -> float:
        """What 95 of 100 times took at most, in seconds."""
        return self._percentile(95)

    def _percentile(self, percent: int) -> float:
        return quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Paths beside the yardstick.

    Attributes:
        yardstick: one bare activity round trip.
        paths: from settled money to status ACTIVE, by each way that money takes.
    """

    yardstick: Latencies
    paths: tuple[Latencies, ...]

    def multiple(self, path: Latencies) -> float:
        """A path's p95 in p95 of round trips."""
        return path.p95 / self.yardstick.p95

    @property
    def faults(self) -> list[str]:
        """The paths that are slower than they may be, in words."""
        return [
            f"{path.what}: p95 is {self.multiple(path):.1f} round trips; at most {MOST_ROUND_TRIPS} are allowed."
            for path in self.paths
            if self.multiple(path) > MOST_ROUND_TRIPS
        ]

    def rows(self) -> list[dict[str, Any]]:
        """What was measured, the yardstick first.

        `p50_multiple` and `p95_multiple` are multiples of the yardstick's own p50 and p95; `p95_in_medians` is p95 in
        multiples of the yardstick's p50, which a noisy machine raises and a calm one need not hide.
        """
        return [
            {
                "what": each.what,
                "samples": len(each.seconds),
                "p50_multiple": round(each.p50 / self.yardstick.p50, 2),
                "p95_multiple": round(self.multiple(each), 2),
                "p95_in_medians": round(each.p95 / self.yardstick.p50, 2),
                "p50_ms": round(each.p50 * 1000, 1),
                "p95_ms": round(each.p95 * 1000, 1),
            }
            for each in (self.yardstick, *self.paths)
        ]
