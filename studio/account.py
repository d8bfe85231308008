"""What a job was expected to take when it was submitted, beside what it took.

The expectation is what the preflight tells: seconds per second of media of each step, as learned by
then, and the lender's forecast for weights. What was taken is added up over a job's runs: it has
several where it waits for an answer, is retried, or its program was ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from studio.request import Record


class Expected(Record):
    """What was told before the job began; kept in its row."""

    rates: Mapping[str, float] = {}
    """Title of a step -> seconds per second of media; a step that was never measured is left out"""
    wait_s: float = 0.0
    """Of the device, for weights"""
    peak_bytes: int = 0
    """Memory for weights, and for working beside them on a device that has its own"""


class Taken(Record):
    """What was measured; kept in the job's row."""

    media_s: float = 0.0
    steps: Mapping[str, float] = {}
    """Title of a step -> seconds, in the order of the work; 0 where all of it was remembered"""
    wait_s: float = 0.0
    peak_bytes: int = 0

    def plus(self, step: str, seconds: float) -> "Taken":
        """Return it with a step that ended."""
        steps = {**self.steps, step: self.steps.get(step, 0.0) + seconds}
        return self.model_copy(update={"steps": steps})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAccount:
    """One step; None: nothing was known of it before."""

    step: str
    expected_s: float | None
    taken_s: float  # 0: it was remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A job's expectation beside what it took; costs are in the currency of the settings."""

    steps: tuple[StepAccount, ...] = ()
    expected_s: float | None = None
    taken_s: float = 0.0
    expected_wait_s: float = 0.0
    taken_wait_s: float = 0.0
    expected_peak_bytes: int = 0
    taken_peak_bytes: int = 0
    expected_cost: float | None = None
    taken_cost: float = 0.0


def account(
    expected_json: str, taken_json: str, elapsed_s: float, price_per_hour: float
) -> Account:
    """Return the account of a job from what its row keeps.

    Args:
        expected_json: `Expected`, or "".
        taken_json: `Taken`, or "".
        elapsed_s: how long the job ran.
        price_per_hour: of this machine.
    """
    expected = Expected.model_validate_json(expected_json or "{}")
    taken = Taken.model_validate_json(taken_json or "{}")
    known = {step: rate * taken.media_s for step, rate in expected.rates.items() if taken.media_s}
    price = price_per_hour / 3600
    whole_s = sum(known.values()) if known else None
    return Account(
        steps=tuple(
            StepAccount(step=step, expected_s=known.get(step), taken_s=seconds)
            for step, seconds in taken.steps.items()
        ),
        expected_s=whole_s,
        taken_s=elapsed_s,
        expected_wait_s=expected.wait_s,
        taken_wait_s=taken.wait_s,
        expected_peak_bytes=expected.peak_bytes,
        taken_peak_bytes=taken.peak_bytes,
        expected_cost=None if whole_s is None else whole_s * price,
        taken_cost=elapsed_s * price,
    )
