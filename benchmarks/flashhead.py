"""What a step of SoulX-FlashHead costs on the processor, at full size with random weights.

    python -m benchmarks.flashhead --size 256

The official size is 512, which has four times as many tokens (and sixteen times the attention).
"""

import argparse
import resource
import time

import torch

from engines.animation.nets.flashhead import FlashHead
from tests.tiny.flashhead_pro import published


def main() -> None:
    """Measure one step and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="pixels of the square")
    side = parser.parse_args().size // 8
    torch.manual_seed(0)
    with torch.device("meta"):
        network = FlashHead(published())
    network.to_empty(device="cpu")
    for each in network.parameters():
        torch.nn.init.uniform_(each.data, -0.02, 0.02)
    latent, heard = torch.randn(16, 9, side, side), torch.randn(33, 5, 12, 768)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        network(latent, 1000.0, heard, latent)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    numbers = sum(each.numel() for each in network.parameters())
    print(f"{numbers / 1e6:.1f} M parameters, float32, {side * 8} pixels")
    print(f"a step: {wall_s:.1f} s, {cpu_s:.1f} s of processor; peak {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
