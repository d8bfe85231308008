"""Small engines with real networks and real files, and a manager that moves them."""

import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from engines.catalog import Entry
from engines.residency.arena import Arena
from engines.residency.device import CpuDevice, HostMemory
from engines.residency.manager import Manager
from engines.residency.measured import Measured
from engines.weights import Weights

WIDTH = 64
BLOCKS = 4


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(WIDTH, WIDTH)
        self.norm = torch.nn.LayerNorm(WIDTH)

    def forward(self, x):
        return x + torch.relu(self.inner(self.norm(x)))


class Net(torch.nn.Module):
    """Blocks, a tied pair, a buffer that is in no file."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(16, WIDTH)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(BLOCKS))
        self.head = torch.nn.Linear(WIDTH, 16, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("turn", torch.linspace(0, 1, WIDTH), persistent=False)

    def forward(self, ids):
        x = self.embed(ids) + self.turn
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class Thinker:
    """An engine in the house's manner."""

    def __init__(self, *, weights, seed, nap_s=0.0, dtype="float32"):
        self.weights, self.seed, self.nap_s = weights, seed, nap_s
        self.dtype, self.loads, self.nets = dtype, 0, {}
        self.trouble = []

    def share(self, networks):
        self.nets = dict(networks)

    def networks(self):
        if not self.nets:
            self.loads += 1
            net = Net()
            net.load_state_dict(load_file(self.weights / "model.safetensors"), strict=False)
            self.nets = {"net": net.eval().requires_grad_(False)}
        return self.nets

    def think(self, ids=(1, 2, 3)):
        if self.trouble:
            raise self.trouble.pop(0)
        time.sleep(self.nap_s)
        with torch.inference_mode():
            return self.nets["net"](torch.tensor(ids)).numpy().tobytes()


class Made:
    """A catalog of thinkers, each with files of its own."""

    def __init__(self, folder, names="abcd", **settings):
        self.entries, self.engines, self.repos, self.smaller = {}, {}, {}, {}
        for seed, name in enumerate(names):
            place = Path(folder) / f"models--toys--{name}" / "snapshots" / "main"
            place.mkdir(parents=True)
            torch.manual_seed(seed)
            state = Net().state_dict()
            state.pop("head.weight")
            save_file(state, place / "model.safetensors")
            self.entries[name] = (place, seed, settings)

    def __call__(self, name):
        made = self
        place, seed, settings = self.entries[name]

        class Here(Entry):
            def build(self, weights=None):
                engine = made.engines[name] = Thinker(weights=place, seed=seed, **settings)
                return engine

        return Here(
            id=name,
            role="Thinker",
            title=name.upper(),
            target="-",
            revision="1",
            licence="MIT",
            smaller=self.smaller.get(name, ""),
            settings=settings,
            weights=Weights(repo=self.repos.get(name, f"toys/{name}")),
            capabilities=("shares",) if name in self.repos else (),
        )

    def twins(self, *names):
        """Let those have the files of the first of them, and one network."""
        for name in names:
            self.entries[name] = self.entries[names[0]]
            self.repos[name] = f"toys/{names[0]}"

    def plain(self, name, ids=(1, 2, 3)):
        """Return what the engine answers without any manager."""
        place, seed, _ = self.entries[name]
        engine = Thinker(weights=place, seed=seed)
        engine.networks()
        return engine.think(ids)


def one_model_bytes():
    from engines.residency.networks import total_bytes

    return total_bytes({"net": Net()})


def manager(find, device_bytes, host_bytes=1 << 30, arena_bytes=0, smallest=1, **more):
    host = HostMemory(host_bytes, Arena(arena_bytes), None)
    device = CpuDevice(device_bytes)
    return Manager(
        device=device,
        host=host,
        find=find,
        smallest=smallest,
        measured=more.pop("measured", Measured()),
        **more,
    )
