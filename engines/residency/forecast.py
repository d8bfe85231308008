"""What engines will cost a job: the planner that would run it, replayed on a virtual clock."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from engines.catalog import Entry
from engines.residency.chunks import Model
from engines.residency.device import Device, HostMemory
from engines.residency.measured import Measured
from engines.residency.plan import Plan, Stage
from engines.residency.replay import Estimate, Machine, estimate
from engines.weights import folder
from studio.errors import OutOfMemory
from studio.holdings import Forecast

READ_BYTES_PER_S = 1.0e9  # until it was measured here
COPY_BYTES_PER_S = {True: 12.0e9, False: 4.0e9}  # pinned, or not


def replayed_here(
    device: Device,
    host: HostMemory,
    measured: Measured,
    engines: Sequence[str],
    *,
    models: Mapping[str, Model],
    held: Collection[str],
) -> Estimate:
    """Return what those engines, one after the other, take of a machine.

    Args:
        device: where they compute.
        host: where their weights wait.
        measured: what was learned.
        engines: ids, in the order of the job's steps.
        models: their chunks, by engine.
        held: keys of those in host memory.
    """
    sized = [each for each, _ in groupby(engines) if models[each].nbytes]
    machine = Machine(
        device_bytes=max(device.capacity_bytes(), host.capacity_bytes() if device.in_place else 0),
        host_bytes=host.capacity_bytes(),
        read_bytes_per_s=read_speed(measured),
        copy_bytes_per_s=COPY_BYTES_PER_S[host.arena.pinned] if not device.in_place else 1e15,
    )
    needed = list({models[each].key: models[each] for each in sized}.values())
    plan = Plan(tuple(_stage(each, models[each].key, measured) for each in sized))
    try:
        return estimate(machine, plan, needed, dict.fromkeys(held, False))
    except OutOfMemory:  # the job will say so itself, with what to do
        return Estimate(
            compute_s=0.0,
            stall_s=0.0,
            read_bytes=sum(each.nbytes for each in needed),
            copied_bytes=0,
            peak_bytes=max(each.nbytes for each in needed),
        )


def forecast(
    cost: Estimate, engines: Sequence[Entry], measured: Measured, *, in_place: bool
) -> Forecast:
    """Return what people are told of it.

    Args:
        cost: the plan's.
        engines: each once.
        measured: what was learned.
        in_place: whether host and device are one.
    """
    return Forecast(
        wait_s=cost.stall_s,
        peak_bytes=cost.peak_bytes,
        in_place=in_place,
        read_bytes=cost.read_bytes,
        download_bytes=sum(map(_absent, engines)),
        guessed=any(_weighs(each) and not measured.of(each.id).nbytes for each in engines),
    )


def read_speed(measured: Measured) -> float:
    """Return how fast weights come from the files here, in bytes per second."""
    known = [each for each in measured.all().values() if each.nbytes and each.load_s]
    seconds = sum(each.load_s for each in known)
    return sum(each.nbytes for each in known) / seconds if seconds else READ_BYTES_PER_S


def _stage(engine: str, key: str, measured: Measured) -> Stage:
    known = measured.of(engine)
    return Stage(engine, (key,), known.lease_s, known.activation_bytes)


def _weighs(entry: Entry) -> bool:
    return entry.weights is not None or bool(entry.needs.memory_gb)


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
