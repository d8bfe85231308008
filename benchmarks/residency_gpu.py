"""What the model manager does on a real GPU: bandwidth, switches, peaks, equal output.

Networks have random weights: nothing here depends on what they say. `--tiny` runs the same code on the
processor, which shows that it works and measures nothing of interest.

    python -m benchmarks.residency_gpu [--gb 14.3] [--blocks 40] [--json] [--tiny]
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.catalog import Entry
from engines.residency.arena import Arena
from engines.residency.cuda import CudaDevice, register
from engines.residency.device import CpuDevice, Device, HostMemory
from engines.residency.manager import Manager
from engines.weights import WeightFile, Weights

if TYPE_CHECKING:
    import torch

GB = 1_000_000_000
NAMES = ("first", "second")
ROWS = 64  # of a batch: enough work to be seen, too little to matter
SWITCHES = 3
TOLD = "There is no CUDA device here: this benchmark measures one (--tiny runs its code on the processor)."


@dataclass(frozen=True, slots=True)
class Size:
    """Of each of the two networks: square layers, one a block, in float32."""

    width: int
    blocks: int

    @property
    def nbytes(self) -> int:
        """Bytes of one network."""
        return 4 * self.width * self.width * self.blocks

    @classmethod
    def of(cls, nbytes: int, blocks: int) -> "Size":
        """Return layers that take about `nbytes` together."""
        return cls(max(16, round((nbytes / 4 / blocks) ** 0.5) // 16 * 16), blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure beside its aim; `met` is None where there is none on this machine."""

    what: str
    value: float
    unit: str
    aim: str
    met: bool | None


@dataclass(slots=True)
class Net:
    """An engine that is nothing but its network."""

    weights: Path
    size: Size
    dtype: str = "float32"
    net: Any = None

    def networks(self) -> "dict[str, torch.nn.Module]":
        """Return the network, read on the first call."""
        if self.net is None:
            from safetensors import torch as tensors  # noqa: PLC0415 - heavy

            self.net = _stack(self.size)
            self.net.load_state_dict(tensors.load_file(self.weights / "model.safetensors"))
            self.net.eval().requires_grad_(False)
        return {"net": self.net}

    def work(self) -> "torch.Tensor":
        """Return what it makes of a fixed input, on the CPU."""
        import torch  # noqa: PLC0415 - heavy

        net = self.networks()["net"]
        place = next(net.parameters()).device
        given = torch.linspace(-1, 1, ROWS * self.size.width).reshape(ROWS, -1).to(place)
        with torch.inference_mode():
            return net(given).cpu()


def _stack(size: Size) -> "torch.nn.Module":
    import torch  # noqa: PLC0415 - heavy

    class Stack(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = (
                torch.nn.Linear(size.width, size.width, bias=False) for _ in range(size.blocks)
            )
            self.blocks = torch.nn.ModuleList(layers)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for block in self.blocks:
                x = x + block(x).tanh()
            return x

    with torch.device("meta"):
        stack = Stack()
    return stack.to_empty(device="cpu")


def write(folder: Path, size: Size, seed: int) -> None:
    """Write one network's file, random by `seed`."""
    import torch  # noqa: PLC0415 - heavy
    from safetensors import torch as files  # noqa: PLC0415 - heavy

    folder.mkdir(parents=True)
    chance = torch.Generator().manual_seed(seed)
    shape, scale = (size.width, size.width), size.width**-0.5
    tensors = {
        f"blocks.{n}.weight": torch.randn(shape, generator=chance) * scale
        for n in range(size.blocks)
    }
    files.save_file(tensors, folder / "model.safetensors")


class Made(Entry):
    """An entry of the catalog whose engine is a `Net`."""

    def build(self, weights: Path | None = None) -> Net:
        """Make it; its files lie where its source says."""
        del weights
        width, blocks = map(int, self.about.split())
        return Net(Path(self.source), Size(width, blocks))


def finder(root: Path, size: Size) -> Callable[[str], Entry]:
    """Write two networks below `root` and return what finds them by name."""
    for seed, name in enumerate(NAMES):
        write(root / name, size, seed)

    def find(name: str) -> Entry:
        return Made(
            id=name,
            role="Bench",
            title=name,
            target="-",
            revision="1",
            licence="-",
            about=f"{size.width} {size.blocks}",
            source=str(root / name),
            weights=Weights(repo=f"bench/{name}", files=(WeightFile(path="-", bytes=size.nbytes),)),
        )

    return find


def bandwidth(device: Device, arena: Arena, nbytes: int) -> float:
    """Return the bytes per second of one plain copy of pinned memory: the most that can be had."""
    import torch  # noqa: PLC0415 - heavy

    run = arena.take(nbytes)
    if run is None or arena.memory is None:
        raise SystemExit("the arena is too small for a copy of one network")
    source = torch.frombuffer(arena.memory, dtype=torch.uint8, count=nbytes, offset=run.start)
    target = device.alloc(nbytes)
    best_s = min(_seconds(lambda: target.copy_(source, non_blocking=True)) for _ in range(3))
    device.free(target)
    arena.give(run)
    return nbytes / best_s


def measure(device: Device, arena: Arena, root: Path, size: Size, setup_s: float) -> list[Row]:
    """Return every measure.

    Args:
        device: a GPU; or the processor with a budget, which moves bytes as a GPU does.
        arena: large enough for both networks.
        root: a folder for the files.
        size: of each of two networks; the device must hold one of them, and half of the other.
        setup_s: what the arena took to set up.
    """
    find = finder(root, size)
    plain = {name: Net(root / name, size).work() for name in NAMES}  # on the CPU
    most = bandwidth(device, arena, size.nbytes)
    boss = Manager(device=device, host=HostMemory(arena.nbytes, arena, _unread), find=find)
    try:
        rows = _measured(boss, size, most, plain)
    finally:
        boss.close()
    speed = arena.nbytes / setup_s / GB
    rows.append(_row("arena set up", speed, "GB/s", ">= 5", speed >= 5))
    return rows if device.name != "cpu" else [_unjudged(each) for each in rows]


def _unread(_chunk: object, _buffer: object) -> None:
    raise OSError("everything fits into the arena")


def _measured(
    boss: Manager, size: Size, most: float, plain: "dict[str, torch.Tensor]"
) -> list[Row]:
    cold_s = {name: _lease(boss, name)[0] for name in NAMES}
    rows = [
        _row("first load, disk to device", size.nbytes / cold_s["first"] / GB, "GB/s", "-", None)
    ]
    moved, began = boss.books.vram.moved_bytes, time.perf_counter()
    with boss.loader.changed:
        boss.books.trim(boss.books.vram)
    _lease(boss, "first")
    rate = (boss.books.vram.moved_bytes - moved) / (time.perf_counter() - began)
    rows.append(
        _row("host to device", rate / GB, "GB/s", f">= {0.8 * most / GB:.1f}", rate >= 0.8 * most)
    )
    waits = _switches(boss)
    longest_s = max(waits)
    rows.append(_row("switch, planned", 1000 * longest_s, "ms", "<= 1500", longest_s <= 1.5))
    outputs = {name: _lease(boss, name)[1] for name in NAMES}
    rows.append(_same(boss, outputs, plain))
    peak = boss.books.vram.used_bytes - boss.device.capacity_bytes()
    rows.append(_row("weights over the budget", max(0, peak) / GB, "GB", "0", peak <= 0))
    rows.append(_contention(boss))
    return rows


def _lease(boss: Manager, name: str) -> "tuple[float, torch.Tensor]":
    """Return how long the lease was waited for, and what the engine made."""
    began = time.perf_counter()
    with boss.lease(name, "bench") as engine:
        waited_s = time.perf_counter() - began
        return waited_s, engine.work()


def _switches(boss: Manager) -> list[float]:
    """Return what each planned change of networks was waited for, with work before it."""
    boss.expect("bench", list(NAMES) * SWITCHES)
    waits = [_lease(boss, name)[0] for name in list(NAMES) * SWITCHES]
    boss.withdraw("bench")
    return waits[1:]


def _same(boss: Manager, managed: Any, plain: "dict[str, torch.Tensor]") -> Row:
    """Compare with networks that were moved as a whole, by torch itself, to the same device."""
    import torch  # noqa: PLC0415 - heavy

    boss.free()
    place, equal = boss.device.torch_device(), True
    for name in NAMES:
        if place.type == "cpu":
            expected = plain[name]
        else:
            engine = boss.find(name).build()
            engine.networks()["net"].to(place)
            expected = engine.work()
            del engine
            boss.device.empty_cache()
        equal &= torch.equal(managed[name], expected)
    return _row("output equal to the plain network's", float(equal), "", "1", equal)


def _contention(boss: Manager) -> Row:
    """Return how much slower work is while another network arrives."""
    with boss.lease("first") as engine:
        alone_s = min(_seconds(engine.work) for _ in range(3))
    with boss.loader.changed:
        boss.books.trim(boss.books.vram)
    boss.expect("bench", list(NAMES))
    with boss.lease("first", "bench") as engine:
        beside_s = min(_seconds(engine.work) for _ in range(3))
    boss.withdraw("bench")
    slower = 100 * (beside_s / alone_s - 1)
    return _row("slower while the next arrives", slower, "%", "<= 5", slower <= 5)


def _seconds(work: Callable[[], object]) -> float:
    import torch  # noqa: PLC0415 - heavy

    ready = torch.cuda.synchronize if torch.cuda.is_available() else nullcontext
    ready()
    began = time.perf_counter()
    work()
    ready()
    return time.perf_counter() - began


def _row(what: str, value: float, unit: str, aim: str, met: bool | None) -> Row:
    return Row(what=what, value=round(value, 3), unit=unit, aim=aim, met=met)


def _unjudged(row: Row) -> Row:
    """Return a row of the processor: only that the output is equal means anything."""
    return row if row.what.startswith("output") else replace(row, met=None)


def tiny(root: Path) -> list[Row]:
    """Run everything on the processor, with networks of a few hundred kB."""
    size = Size.of(400_000, 4)
    return measure(CpuDevice(int(size.nbytes * 1.5)), Arena(size.nbytes * 4), root, size, 1.0)


def full(root: Path, nbytes: int, blocks: int) -> list[Row] | None:
    """Run on the GPU; None where there is none."""
    size = Size.of(nbytes, blocks)
    device = CudaDevice.open(int(size.nbytes * 1.5))
    if device is None:
        return None
    began = time.perf_counter()
    arena = Arena(int(size.nbytes * 2.5), pin=register)
    return measure(device, arena, root, size, time.perf_counter() - began)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    judged = {True: "yes", False: "no", None: "-"}
    lines = [
        f"| {each.what} | {each.value:g} {each.unit} | {each.aim} | {judged[each.met]} |"
        for each in rows
    ]
    return "\n".join(["| what | measured | aim | met |", "|---|---|---|---|", *lines])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=14.3, help="of each network")
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="residency-") as folder:
        root = Path(folder)
        rows = tiny(root) if given.tiny else full(root, int(given.gb * GB), given.blocks)
    if rows is None:
        sys.stdout.write(f"{TOLD}\n")
        return
    shown = json.dumps([asdict(each) for each in rows]) if given.json else table(rows)
    sys.stdout.write(f"{shown}\n")


if __name__ == "__main__":
    main()
