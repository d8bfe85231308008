"""How long steps take on this machine: learned per step, engine and second of media."""

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from studio.database import TIMINGS, writing

FORGET = 0.5  # how much older runs still count when a new one is learned


@dataclass(frozen=True, slots=True)
class Timing:
    """What was learned of one step."""

    step: str
    engine: str
    seconds_per_media_second: float
    runs: int


@dataclass(frozen=True, slots=True)
class Timings:
    """The table of what was learned."""

    database: sa.Engine

    def learn(self, step: str, engine: str, seconds: float, media_s: float) -> None:
        """Remember that `step` took so long for `media_s` seconds of media."""
        where = (
            TIMINGS.c.machine == machine(),
            TIMINGS.c.step == step,
            TIMINGS.c.engine == engine,
        )
        more = (
            sa.update(TIMINGS)
            .where(*where)
            .values(
                seconds=TIMINGS.c.seconds * FORGET + seconds,
                media_s=TIMINGS.c.media_s * FORGET + media_s,
                runs=TIMINGS.c.runs + 1,
            )
        )
        row = {"machine": machine(), "step": step, "engine": engine}
        row |= {"seconds": seconds, "media_s": media_s, "runs": 1}
        with writing(self.database) as db:
            if db.execute(more).rowcount:
                return
            try:
                with db.begin_nested():
                    db.execute(sa.insert(TIMINGS).values(row))
            except IntegrityError:  # another worker learned it meanwhile, for the first time
                db.execute(more)

    def all(self) -> list[Timing]:
        """Return everything learned on this machine, the slowest steps first."""
        query = sa.select(TIMINGS).where(TIMINGS.c.machine == machine())
        with self.database.connect() as db:
            rows = db.execute(query).mappings().all()
        found = [
            Timing(row["step"], row["engine"], row["seconds"] / row["media_s"], row["runs"])
            for row in rows
            if row["media_s"] > 0
        ]
        return sorted(found, key=lambda each: -each.seconds_per_media_second)

    def rates(self) -> dict[tuple[str, str], float]:
        """Return (step, engine) -> seconds per second of media."""
        return {(each.step, each.engine): each.seconds_per_media_second for each in self.all()}


@cache
def machine() -> str:
    """Return what tells this kind of machine from others: processor, cores, GPUs."""
    models = _values(Path("/proc/cpuinfo"), "model name")
    gpus = [
        name
        for each in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for name in _values(each, "Model")
    ]
    parts = [models[0] if models else platform.machine(), f"{os.cpu_count()} cores", *gpus]
    return ", ".join(parts)[:64]


def _values(path: Path, name: str) -> list[str]:
    if not path.is_file():
        return []
    lines = (line.partition(":") for line in path.read_text(errors="replace").splitlines())
    return [value.strip() for key, _, value in lines if key.strip() == name]
