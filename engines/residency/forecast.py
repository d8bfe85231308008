"""What engines will cost a job: the planner that would run it, replayed on a virtual clock."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from engines.catalog import Entry
from engines.residency.chunks import Model
from engines.residency.device import Device, HostMemory
from engines.residency.measured import Measured
from engines.residency.plan import Plan, Stage
from engines.residency.replay import Machine, estimate
from engines.weights import folder
from studio.errors import OutOfMemory
from studio.holdings import Forecast

READ_BYTES_PER_S = 1.0e9  # until it was measured here
COPY_BYTES_PER_S = {True: 12.0e9, False: 4.0e9}  # pinned, or not


def forecast(
    device: Device,
    host: HostMemory,
    measured: Measured,
    *,
    engines: Sequence[Entry],
    models: Mapping[str, Model],
    held: Collection[str],
) -> Forecast:
    """Return what those engines, one after the other, will cost.

    Args:
        device: where they compute.
        host: where their weights wait.
        measured: what was learned.
        engines: in the order of the job's steps.
        models: their chunks, by engine.
        held: which of them are in host memory.
    """
    order = [next(same) for _, same in groupby(engines, key=lambda each: each.id)]
    sized = [each for each in order if models[each.id].nbytes]
    stages = [_stage(each.id, measured) for each in sized]
    in_place = device.in_place
    machine = Machine(
        device_bytes=max(device.capacity_bytes(), host.capacity_bytes() if in_place else 0),
        host_bytes=host.capacity_bytes(),
        read_bytes_per_s=read_speed(measured),
        copy_bytes_per_s=COPY_BYTES_PER_S[host.arena.pinned] if not in_place else 1e15,
    )
    needed = [models[each.id] for each in {each.id: each for each in sized}.values()]
    fresh = [each for each in sized if not measured.of(each.id).nbytes]
    try:
        cost = estimate(machine, Plan(tuple(stages)), needed, dict.fromkeys(held, False))
        wait_s, peak, read = cost.stall_s, cost.peak_bytes, cost.read_bytes
    except OutOfMemory:  # the job will say so itself, with what to do
        peak = max((each.nbytes for each in needed), default=0)
        wait_s, read = 0.0, sum(each.nbytes for each in needed)
    return Forecast(
        wait_s=wait_s,
        peak_bytes=peak,
        in_place=in_place,
        read_bytes=read,
        download_bytes=sum(map(_absent, {each.id: each for each in engines}.values())),
        guessed=bool(fresh),
    )


def read_speed(measured: Measured) -> float:
    """Return how fast weights come from the files here, in bytes per second."""
    known = [each for each in measured.all().values() if each.nbytes and each.load_s]
    seconds = sum(each.load_s for each in known)
    return sum(each.nbytes for each in known) / seconds if seconds else READ_BYTES_PER_S


def _stage(engine: str, measured: Measured) -> Stage:
    known = measured.of(engine)
    return Stage(engine, (engine,), known.lease_s, known.activation_bytes)


def _absent(entry: Entry) -> int:
    """Return the bytes of an engine's files that are not here."""
    if entry.weights is None:
        return 0
    return sum(
        file.bytes
        for each in entry.weights.parts()
        for file in each.files
        if not (folder(each) / file.path).exists()
    )
