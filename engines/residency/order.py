"""The order of work: batched by model, the heaviest first, nobody starved.

Switching models costs seconds, so what needs the same model runs together, across scenes and jobs.
Pure: `Piece`s in, `Piece`s out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engines.residency.plan import Stage

PATIENCE = 3  # batches of others that a job sits through before it goes first


@dataclass(frozen=True, slots=True)
class Piece:
    """A stage of a scene of a job. Stages of one scene run in the order of `step`."""

    job: str
    scene: int
    step: int
    stage: Stage


def batched(
    pieces: Sequence[Piece],
    sizes: Mapping[str, int],
    *,
    preview_first: bool = False,
    patience: int = PATIENCE,
) -> tuple[Piece, ...]:
    """Return the pieces in an order with few changes of models.

    Of what could run next, the models in use go on; then the job that was passed over `patience`
    times; then the earliest step, so that no model comes back for a scene that lags; then the
    heaviest models.

    Args:
        pieces: jobs and scenes in the order of the queue.
        sizes: bytes of each model.
        preview_first: finish the first scene of every job before its others begin.
        patience: batches.
    """
    desk = _Desk(pieces, sizes, preview_first, patience)
    done: list[Piece] = []
    while (piece := desk.next()) is not None:
        done.append(piece)
    return tuple(done)


class _Desk:
    """What is left to do, and who was passed over how often."""

    def __init__(
        self, pieces: Sequence[Piece], sizes: Mapping[str, int], preview: bool, patience: int
    ) -> None:
        self.sizes, self.preview, self.patience = sizes, preview, patience
        self.lines: dict[tuple[str, int], list[Piece]] = {}
        for each in sorted(pieces, key=lambda piece: piece.step):
            self.lines.setdefault((each.job, each.scene), []).append(each)
        jobs = dict.fromkeys(each.job for each in pieces)
        self.places = {job: n for n, job in enumerate(jobs)}
        self.first = {job: min(each.scene for each in pieces if each.job == job) for job in jobs}
        self.passed = dict.fromkeys(jobs, 0)
        self.using: tuple[str, ...] = ()

    def next(self) -> Piece | None:
        """Take the next piece; None: all is done."""
        able = [line for line in self.lines.values() if line and self._open(line[0])]
        if not able:
            return None
        piece = min(able, key=lambda line: self._rank(line[0])).pop(0)
        if piece.stage.needs != self.using:
            waiting = {job for (job, _), rest in self.lines.items() if rest and job != piece.job}
            self.passed |= {job: self.passed[job] + 1 for job in waiting}
        self.passed[piece.job] = 0
        self.using = piece.stage.needs
        return piece

    def _open(self, piece: Piece) -> bool:
        if not self.preview or piece.scene == self.first[piece.job]:
            return True
        return not self.lines[piece.job, self.first[piece.job]]

    def _rank(self, piece: Piece) -> tuple[int, int, int, int, int]:
        starved = self.passed[piece.job] >= self.patience
        weight = sum(self.sizes.get(each, 0) for each in piece.stage.needs)
        turn = 0 if piece.stage.needs == self.using else 1 if starved else 2
        return (turn, piece.step, -weight, self.places[piece.job], piece.scene)


def changes(pieces: Sequence[Piece]) -> int:
    """Return how often the models in use change."""
    needs = [each.stage.needs for each in pieces]
    return sum(before != after for before, after in pairwise(needs))
