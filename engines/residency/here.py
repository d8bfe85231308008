"""The manager of this machine: which device, which budgets, what is pinned."""

from pathlib import Path

from engines.residency.arena import GIB, Arena, host_budget_bytes
from engines.residency.chunks import Chunk
from engines.residency.device import CpuDevice, Device, HostMemory
from engines.residency.manager import Manager
from engines.residency.measured import Measured
from studio.settings import Settings

PINNED_SHARE = 0.5  # of what weights may take: the rest stays pageable


def manager_here(settings: Settings) -> Manager:
    """Return a manager for this machine; nothing is allocated on a machine without a GPU."""
    budget = host_budget_bytes(settings.ram_budget_gb)
    device, arena = _device(settings, budget)
    return Manager(
        device=device,
        host=HostMemory(budget, arena, _unread),
        measured=Measured(settings.data_dir / "residency.json"),
        smaller_engines=settings.smaller_engines,
        vram_idle_s=settings.vram_idle_s,
        ram_idle_s=settings.ram_idle_s,
    )


def _device(settings: Settings, host_bytes: int) -> tuple[Device, Arena]:
    if _has_gpu():
        from engines.residency.cuda import CudaDevice, register  # noqa: PLC0415 - heavy

        share = settings.pinned_gb * GIB if settings.pinned_gb >= 0 else host_bytes * PINNED_SHARE
        device = CudaDevice.open(int(settings.vram_budget_gb * GIB))
        if device is not None:
            return device, Arena(min(int(share), host_bytes), pin=register)
    moved = int(settings.vram_budget_gb * GIB)
    return CpuDevice(moved or host_bytes, in_place=not moved), Arena(0)


def _has_gpu() -> bool:
    """Look without importing torch, which takes seconds."""
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()


def _unread(chunk: Chunk, _buffer: object) -> None:
    raise OSError(f"nobody knows where {chunk.id} comes from")
