"""The slot planner against the greedy rules of other dubbers, on simulated tracks.

Run: python benchmarks/slots.py [--json] [--minutes 15] [--rounds 3]
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.slot_rules import RULES, Put
from benchmarks.tracks import A, B, Scale, Track, make_tracks
from media.slots import Schedule, plan, solve

SHORTER = (0.85, 0.72)  # what one rewrite, and a second one, leave of a line's length


@dataclass(frozen=True, slots=True)
class Score:
    """How a rule does over a set of tracks; shares of speaking time, times in seconds."""

    rule: str
    speed_mean: float
    speed_p95: float
    speed_max: float
    share_over_115: float
    share_over_130: float
    onset_mean_s: float
    onset_p95_s: float
    jump: float  # mean change of speed between neighbours of one speaker
    self_overlap_share: float
    cut_share: float
    past_end_s: float
    flagged_share: float
    cpu_s_per_hour: float


def score(
    rule: str,
    tracks: Sequence[Track],
    puts: Sequence[Sequence[Put]],
    flagged_s: float,
    cpu_s: float,
) -> Score:
    """Measure what a rule did."""
    lines = [
        pair for t, p in zip(tracks, puts, strict=True) for pair in zip(t.slots, p, strict=True)
    ]
    spoken_s = sum(put.duration_s for _, put in lines)
    natural_s = sum(slot.natural_s for slot, _ in lines)
    ranked = sorted((put.speed, put.duration_s) for _, put in lines)
    onsets = sorted(abs(put.start_s - slot.start_s) for slot, put in lines)
    jumps: list[float] = []
    overlap_s = 0.0
    for track, own in zip(tracks, puts, strict=True):
        last: dict[str, Put] = {}
        for slot, put in zip(track.slots, own, strict=True):
            before = last.get(slot.speaker)
            if before is not None:
                jumps.append(abs(put.speed - before.speed))
                overlap_s += max(0.0, before.start_s + before.duration_s - put.start_s)
            last[slot.speaker] = put
    return Score(
        rule=rule,
        speed_mean=sum(s * d for s, d in ranked) / spoken_s,
        speed_p95=_weighted(ranked, 0.95),
        speed_max=ranked[-1][0],
        share_over_115=sum(d for s, d in ranked if s > 1.1501) / spoken_s,
        share_over_130=sum(d for s, d in ranked if s > 1.3001) / spoken_s,
        onset_mean_s=sum(onsets) / len(onsets),
        onset_p95_s=onsets[int(0.95 * len(onsets))],
        jump=sum(jumps) / len(jumps),
        self_overlap_share=overlap_s / spoken_s,
        cut_share=sum(put.cut_s * put.speed for _, put in lines) / natural_s,
        past_end_s=max(
            max(0.0, put.start_s + put.duration_s - track.total_s - 1e-4)
            for track, own in zip(tracks, puts, strict=True)
            for put in own
        ),
        flagged_share=flagged_s / natural_s,
        cpu_s_per_hour=cpu_s / (sum(track.total_s for track in tracks) / 3600),
    )


def compare(scale: Scale, minutes: float, rounds: int) -> list[Score]:
    """Return one score for every rule, ours last."""
    tracks = make_tracks(scale, minutes, rounds)
    solve(tracks[0].slots[:2], tracks[0].total_s)  # imports the solver
    scores = []
    for name, rule in RULES.items():
        before = time.process_time()
        puts = [rule(track) for track in tracks]
        scores.append(score(name, tracks, puts, 0.0, time.process_time() - before))
    before = time.process_time()
    ours = [solve(track.slots, track.total_s) for track in tracks]
    scores.append(_ours("Understudy", tracks, ours, time.process_time() - before))
    for share in (0.1, 0.2):
        before = time.process_time()
        made = [
            plan(t.slots, t.total_s, [[s.natural_s * r for r in SHORTER] for s in t.slots], share)
            for t in tracks
        ]
        cpu_s = time.process_time() - before
        rewritten = sum(level > 0 for _, levels in made for level in levels)
        lines = sum(len(track.slots) for track in tracks)
        name = f"Understudy, {rewritten / lines:.0%} of lines rewritten"
        scores.append(_ours(name, tracks, [schedule for schedule, _ in made], cpu_s))
    return scores


def _ours(name: str, tracks: Sequence[Track], schedules: Sequence[Schedule], cpu_s: float) -> Score:
    puts = [
        [Put(place.start_s, place.duration_s, place.speed) for place in schedule.placements]
        for schedule in schedules
    ]
    slack_s = sum(place.slack_s for schedule in schedules for place in schedule.placements)
    return score(name, tracks, puts, slack_s, cpu_s)


def _weighted(ranked: Sequence[tuple[float, float]], share: float) -> float:
    left = share * sum(weight for _, weight in ranked)
    for value, weight in ranked:
        left -= weight
        if left <= 0:
            return value
    return ranked[-1][0]


def table(scores: Sequence[Score]) -> str:
    """Return the scores as Markdown."""
    rows = [
        "| rule | speed mean | p95 | max | time > 1.15 | > 1.30 | onset error mean / p95 ms | jump "
        "| talks over itself | cut | past the end | does not fit | CPU s per hour |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {s.rule} | {s.speed_mean:.3f} | {s.speed_p95:.3f} | {s.speed_max:.3f} "
        f"| {s.share_over_115:.1%} | {s.share_over_130:.1%} "
        f"| {1000 * s.onset_mean_s:.0f} / {1000 * s.onset_p95_s:.0f} | {s.jump:.3f} "
        f"| {s.self_overlap_share:.2%} | {s.cut_share:.1%} | {s.past_end_s:.1f} s "
        f"| {s.flagged_share:.2%} | {s.cpu_s_per_hour:.2f} |"
        for s in scores
    ]
    return "\n".join(rows)


def main() -> None:
    """Print both scales."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    found = {scale.name: compare(scale, asked.minutes, asked.rounds) for scale in (A, B)}
    if asked.json:
        print(json.dumps({name: [asdict(s) for s in scores] for name, scores in found.items()}))
        return
    for name, scores in found.items():
        print(f"Scale {name}\n\n{table(scores)}\n")


if __name__ == "__main__":
    main()
