"""A whole dub, stage by stage: who did it, how fast, in how much memory.

Run from the repository root: `python -m benchmarks.dub_stages [--quality draft] [--json]`.
Processor seconds count children that have ended, so that a busy machine does not decide; `x real` is
seconds per second of film. Memory is the peak of this whole process while the stage ran (its children
not counted), and with a GPU the peak that torch held there.

`--random FOLDER` is for a GPU without downloads: engines whose test module has a `full(folder)` get
random weights of full size, written once into FOLDER in the layout of the hub's cache. What a stage
costs then is true where its work does not depend on what the weights say (a diarizer, a separator),
and not where it does (who is told to stop writing by a word that never comes).
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app import known
from benchmarks.hear import processor_s
from engines import catalog, weights
from engines.residency.here import manager_here
from media.probe import probe
from studio.artefacts import Store
from studio.memory import Memory
from studio.settings import Settings
from studio.steps import Lender, Run, Step
from workflows.dub.request import DubRequest

SAMPLE = Path(__file__).parents[1] / "assets" / "sample.mp4"
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the dub; a step that ran twice is counted together."""

    title: str
    engine: str
    items: int
    wall_s: float
    processor_s: float
    peak_mb: float
    gpu_peak_mb: float | None

    def and_again(self, other: "Stage") -> "Stage":
        """Return both as one."""
        gpu = [each for each in (self.gpu_peak_mb, other.gpu_peak_mb) if each is not None]
        return Stage(
            self.title,
            self.engine,
            self.items + other.items,
            self.wall_s + other.wall_s,
            self.processor_s + other.processor_s,
            max(self.peak_mb, other.peak_mb),
            max(gpu) if gpu else None,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """A dub of one film."""

    film: str
    film_s: float
    quality: str
    stages: tuple[Stage, ...]


@dataclass
class Clock:
    """A watcher that measures every step."""

    stages: dict[str, Stage] = field(default_factory=dict[str, Stage])
    _engine: str = ""
    _began_s: float = 0.0

    def started(self, step: Step[Any, Any], engine: str, items: int) -> None:
        """Begin to measure."""
        print(f"{step.title} ({engine or 'no engine'}, {items})", file=sys.stderr, flush=True)
        self._engine = engine
        forget_peaks()
        self._began_s = processor_s()

    def item(self, done: int) -> None:
        """Measure whole steps only."""

    def progress(self, done: int, total: int) -> None:
        """Measure whole steps only."""

    def finished(self, step: Step[Any, Any], seconds: float, computed: int) -> None:
        """Keep what the step took."""
        used_s = processor_s() - self._began_s
        new = Stage(step.title, self._engine, computed, seconds, used_s, peak_mb(), gpu_peak_mb())
        old = self.stages.get(step.title)
        self.stages[step.title] = new if old is None else old.and_again(new)

    def weigh(self, media_s: float) -> None:
        """The film's length is known."""

    def answer(self, name: str, shown: str) -> str | None:
        """Nobody looks."""

    def check(self) -> None:
        """Nobody stops it."""


def measure(
    film: Path,
    quality: str,
    folder: Path,
    *,
    swaps: Mapping[str, str] | None = None,
    lender: Callable[[], Lender] | None = None,
    **options: Any,
) -> Measured:
    """Dub `film` once, in a data folder of its own.

    Args:
        film: a video or sound file.
        quality: a quality preset.
        folder: where everything is written.
        swaps: role -> engine id, instead of the preset's.
        lender: makes what lends the engines; None: the manager of this machine.
        options: of the request.

    Raises:
        StudioError: if no engine serves a need, or a step fails.
    """
    workflow, store, clock = known()["dub"], Store(folder), Clock()
    taken = store.take_in(film, "video/mp4")
    request = DubRequest(video=taken, quality=quality, **options)
    engines = chosen(workflow.needs(request), quality, swaps or {})
    lends = lender() if lender else manager_here(Settings(data_dir=folder))
    run = Run(store, Memory(folder / "memory"), engines, lends, clock)
    workflow.run(request, run)
    return Measured(film.name, probe(film).duration_s, quality, tuple(clock.stages.values()))


def chosen(needs: Sequence[Any], quality: str, swaps: Mapping[str, str]) -> dict[str, str]:
    """Return role -> engine id: the swaps, and the preset's for the other roles."""
    others = [each for each in needs if each.role not in swaps]
    mine = {each.role: swaps[each.role] for each in needs if each.role in swaps}
    return {**catalog.engines_for(others, quality), **mine}


def write_random(folder: Path, ids: Sequence[str]) -> None:
    """Write random weights of full size for those engines that have a recipe and no weights yet."""
    import torch  # noqa: PLC0415 - heavy

    os.environ["HF_HUB_CACHE"] = str(folder)
    for id_ in ids:
        entry, name = catalog.entry(id_), f"tests.tiny.{id_.replace('-', '_')}"
        if entry.weights is None or find_spec(name) is None:
            continue
        recipe, place = getattr(import_module(name), "full", None), weights.folder(entry.weights)
        if recipe is None or place.exists():
            continue
        place.mkdir(parents=True)
        torch.manual_seed(0)
        print(f"random weights for {id_}", file=sys.stderr, flush=True)
        recipe(place)


def forget_peaks() -> None:
    """Let the peaks of memory begin anew (Linux)."""
    if CLEAR.exists():
        CLEAR.write_text("5", encoding="ascii")
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_mb() -> float:
    """Return the peak of the process's memory since `forget_peaks`; 0 where it cannot be told."""
    if not STATUS.exists():
        return 0.0
    lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def gpu_peak_mb() -> float | None:
    """Return the peak of what torch held on the GPU; None without one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return torch.cuda.max_memory_allocated() / 2**20


def table(found: Measured) -> str:
    """Return the stages as Markdown, the slowest first, and their sum."""
    rows = sorted(found.stages, key=lambda each: -each.processor_s)
    sums = Stage(
        "whole",
        "",
        sum(each.items for each in rows),
        sum(each.wall_s for each in rows),
        sum(each.processor_s for each in rows),
        max(each.peak_mb for each in rows),
        max((each.gpu_peak_mb for each in rows if each.gpu_peak_mb is not None), default=None),
    )
    names = ("stage", "engine", "items", "clock s", "CPU s", "x real (clock)", "x real (CPU)")
    lines = ["| " + " | ".join((*names, "peak MB", "GPU peak MB")) + " |", "|---" * 9 + "|"]
    for each in (*rows, sums):
        times = (each.wall_s, each.processor_s)
        cells = [each.title, each.engine, str(each.items), *(f"{t:.2f}" for t in times)]
        cells += [f"{t / found.film_s:.3f}" for t in times]
        gpu = "" if each.gpu_peak_mb is None else f"{each.gpu_peak_mb:.0f}"
        lines.append("| " + " | ".join([*cells, f"{each.peak_mb:.0f}", gpu]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quality", default="draft", help="one of presets/quality")
    parser.add_argument("--film", type=Path, default=SAMPLE)
    parser.add_argument("--source-language", default="en")
    parser.add_argument("--engine", action="append", default=[], metavar="ROLE=ID")
    parser.add_argument("--random", type=Path, metavar="FOLDER", help="full size, random weights")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    swaps: dict[str, str] = dict(each.split("=", 1) for each in asked.engine)
    if asked.random:
        listed = [id_ for ids in catalog.quality(asked.quality).values() for id_ in ids]
        write_random(asked.random, [*listed, *swaps.values()])
    with tempfile.TemporaryDirectory() as name:
        found = measure(
            asked.film,
            asked.quality,
            Path(name),
            swaps=swaps,
            source_language=asked.source_language,
        )
    print(json.dumps(asdict(found), indent=1) if asked.json else table(found))


if __name__ == "__main__":
    main()
