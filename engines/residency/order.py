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
    lines: dict[tuple[str, int], list[Piece]] = {}
    for each in sorted(pieces, key=lambda piece: piece.step):
        lines.setdefault((each.job, each.scene), []).append(each)
    places = {job: n for n, job in enumerate(dict.fromkeys(each.job for each in pieces))}
    first = {job: min(each.scene for each in pieces if each.job == job) for job in places}
    passed = dict.fromkeys(places, 0)
    done: list[Piece] = []
    using: tuple[str, ...] = ()

    def open_lines() -> list[list[Piece]]:
        live = [line for line in lines.values() if line]
        if not preview_first:
            return live
        started = {job for job in places if lines.get((job, first[job]))}
        return [
            line
            for line in live
            if line[0].job not in started or line[0].scene == first[line[0].job]
        ]

    def rank(piece: Piece) -> tuple[int, int, int, int, int, int]:
        starved = passed[piece.job] >= patience
        weight = sum(sizes.get(each, 0) for each in piece.stage.needs)
        goes_on = piece.stage.needs == using
        return (
            0 if goes_on else 1 if starved else 2,
            piece.step,
            -weight,
            places[piece.job],
            piece.scene,
            -passed[piece.job],
        )

    while any(lines.values()):
        line = min(open_lines(), key=lambda each: rank(each[0]))
        piece = line.pop(0)
        if piece.stage.needs != using:
            waiting = {job for (job, _), rest in lines.items() if rest and job != piece.job}
            passed |= {job: passed[job] + 1 for job in waiting}
        passed[piece.job] = 0
        using = piece.stage.needs
        done.append(piece)
    return tuple(done)


def changes(pieces: Sequence[Piece]) -> int:
    """Return how often the models in use change."""
    needs = [each.stage.needs for each in pieces]
    return sum(before != after for before, after in pairwise(needs))
