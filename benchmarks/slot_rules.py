"""How other dubbers place lines: their rules, written anew from their description, greedy all of them.

Each takes a track and returns where every line goes. Nothing but the placing is theirs: voices,
rewriting and listening are not simulated.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.tracks import Track


@dataclass(frozen=True, slots=True)
class Put:
    """Where a rule puts a line."""

    start_s: float
    duration_s: float
    speed: float
    cut_s: float = 0.0


Rule = Callable[[Track], list[Put]]


def _rooms(track: Track) -> list[float]:
    """Return the time from each line to the next, whoever speaks."""
    starts = [slot.start_s for slot in track.slots] + [track.total_s]
    return [max(0.05, b - a) for a, b in pairwise(starts)]


def _at_source(track: Track, speeds: list[float], most_s: list[float] | None = None) -> list[Put]:
    """Put every line at its source time; what is longer than `most_s` is cut off."""
    puts: list[Put] = []
    for i, (slot, speed) in enumerate(zip(track.slots, speeds, strict=True)):
        length_s = slot.natural_s / speed
        kept_s = min(length_s, most_s[i]) if most_s else length_s
        puts.append(Put(slot.start_s, kept_s, speed, length_s - kept_s))
    return puts


def pyvideotrans_audio(track: Track) -> list[Put]:
    """Speed up whatever is longer than the time to the next line."""
    rooms = zip(track.slots, _rooms(track), strict=True)
    return _at_source(track, [max(1.0, slot.natural_s / room) for slot, room in rooms])


def sonitranslate(track: Track) -> list[Put]:
    """Fit to the source's own length, in steps of 0.1, between 0.8 and 2.1."""

    def speed(ratio: float) -> float:
        if 0.8 < ratio <= 1.15:
            return 1.0
        return round(min(2.1, max(0.8, ratio)), 1)

    return _at_source(track, [speed(s.natural_s / (s.end_s - s.start_s)) for s in track.slots])


def open_dubbing(track: Track) -> list[Put]:
    """Round the speed up to 0.1, at most 1.3; longer lines run into the next."""
    rooms = zip(track.slots, _rooms(track), strict=True)
    speeds = [math.ceil(10 * slot.natural_s / room - 1e-9) / 10 for slot, room in rooms]
    return _at_source(track, [min(1.3, max(1.0, each)) for each in speeds])


def voicestudio_audio(track: Track) -> list[Put]:
    """Slow down to 0.85, speed up to 1.8, cut the rest off."""
    rooms = [max(0.05, room - 0.05) for room in _rooms(track)]
    need = [slot.natural_s / room for slot, room in zip(track.slots, rooms, strict=True)]
    speeds = [max(0.85, n) if n < 0.95 else min(1.8, max(1.0, n)) for n in need]
    return _at_source(track, speeds, rooms)


def videopython(track: Track) -> list[Put]:
    """Fit to the source's own length between 0.8 and 1.3, cut the rest off."""
    lengths = [slot.end_s - slot.start_s for slot in track.slots]
    need = [slot.natural_s / own for slot, own in zip(track.slots, lengths, strict=True)]
    return _at_source(track, [min(1.3, max(0.8, each)) for each in need], lengths)


def auto_synced(track: Track) -> list[Put]:
    """Fit exactly to the source's own length."""
    return _at_source(track, [s.natural_s / (s.end_s - s.start_s) for s in track.slots])


def persodub(track: Track) -> list[Put]:
    """Never stretch; cut off what reaches the next line."""
    return _at_source(track, [1.0] * len(track.slots), _rooms(track))


def linly(track: Track) -> list[Put]:
    """Move a cursor; 0.6 to 1.1 of the natural length, up to the end of the next line."""
    puts: list[Put] = []
    cursor_s = 0.0
    for i, slot in enumerate(track.slots):
        start_s = max(cursor_s, slot.start_s)
        own_s = slot.end_s - slot.start_s
        last_s = track.slots[i + 1].end_s if i + 1 < len(track.slots) else track.total_s
        wanted_s = max(0.05, min(start_s + own_s, last_s) - start_s)
        ratio = min(1.1, max(0.6, wanted_s / slot.natural_s))
        puts.append(Put(start_s, slot.natural_s * ratio, 1 / ratio))
        cursor_s = start_s + slot.natural_s * ratio
    return puts


def pandrator(track: Track) -> list[Put]:
    """Speed up to 1.15; what is left over makes every later line late."""
    puts: list[Put] = []
    cursor_s = 0.0
    for slot, room_s in zip(track.slots, _rooms(track), strict=True):
        start_s = max(cursor_s, slot.start_s)
        window_s = max(0.05, slot.start_s + room_s - start_s)
        speed = min(1.15, max(1.0, slot.natural_s / window_s))
        puts.append(Put(start_s, slot.natural_s / speed, speed))
        cursor_s = start_s + slot.natural_s / speed
    return puts


def videolingo(track: Track) -> list[Put]:
    """One speed for a chunk of up to five lines; gaps are dropped before the speed is raised."""
    puts: list[Put] = []
    slots, at = track.slots, 0
    while at < len(slots):
        last = at
        while (
            last + 1 < len(slots)
            and last - at < 4
            and slots[last + 1].start_s - slots[last].end_s < 1.5
        ):
            last += 1
        chunk = slots[at : last + 1]
        gaps = [max(0.0, b.start_s - a.end_s) for a, b in pairwise(chunk)]
        natural_s = sum(each.natural_s for each in chunk)
        room_s = max(0.1, max(each.end_s for each in chunk) - chunk[0].start_s)
        next_s = slots[last + 1].start_s if last + 1 < len(slots) else track.total_s
        more_s = room_s + min(1.5, max(0.0, next_s - chunk[-1].end_s))
        spoken_s = natural_s + sum(gaps)
        keeps, most_s = True, room_s
        for keeps, most_s in ((True, room_s), (False, room_s), (True, more_s), (False, more_s)):
            if (spoken_s if keeps else natural_s) / 1.2 <= most_s:
                break
        pauses = gaps if keeps else [0.0] * len(gaps)
        speed = max(1.0, (natural_s + sum(pauses)) / most_s)
        now_s = chunk[0].start_s
        for slot, pause_s in zip(chunk, [*pauses, 0.0], strict=True):
            puts.append(Put(now_s, slot.natural_s / speed, speed))
            now_s += (slot.natural_s + pause_s) / speed
        at = last + 1
    return puts


RULES: dict[str, Rule] = {
    "pyVideoTrans, audio": pyvideotrans_audio,
    "SoniTranslate": sonitranslate,
    "VideoLingo": videolingo,
    "open-dubbing": open_dubbing,
    "Linly": linly,
    "Pandrator": pandrator,
    "VoiceStudio, audio": voicestudio_audio,
    "PersoDub, no rewriting": persodub,
    "videopython": videopython,
    "Auto-Synced": auto_synced,
}
