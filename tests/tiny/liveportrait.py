"""LivePortrait, JoyVASA and a HuBERT with a sixteenth of their channels, in the official files."""

import argparse
import pickle
from pathlib import PosixPath

NARROW = 16
SETTINGS = {"narrow": NARROW, "steps": 3}
POSE = {"scale": (1.0, 1.3), "pitch": (-9.0, 9.0), "yaw": (-12.0, 12.0), "roll": (-6.0, 6.0)}


def make(folder):
    """Write LivePortrait's files into `folder`, the others into `motion` and `hearing` there."""
    faces(folder)
    hearing(folder / "hearing")
    speech(folder / "motion")


def faces(folder):
    """Write LivePortrait's files."""

    from engines.animation.liveportrait_networks import FILES
    from engines.animation.nets.liveportrait import AppearanceExtractor, Warp, Widths
    from engines.animation.nets.motion_extractor import MotionExtractor, fittings
    from engines.animation.nets.spade import Generator

    widths = Widths(NARROW)
    made = {"F": AppearanceExtractor, "M": MotionExtractor, "W": Warp, "G": Generator}
    for name, kind in made.items():
        network = kind(widths)
        if name == "M":
            quiet(network)
        write(network.state_dict(), folder / FILES[name])
    parts = {
        name: {f"module.{key}": each for key, each in part.state_dict().items()}
        for name, part in fittings(widths).named_children()
    }
    write(parts, folder / FILES["S"])


def quiet(network):
    """Let the key points lie in the picture, as trained ones do."""
    import torch

    detector = network.detector
    with torch.no_grad():
        detector.fc_kp.bias.uniform_(-0.4, 0.4)
        detector.fc_scale.bias.fill_(1.2)
        for name in ("kp", "scale", "t", "exp"):
            detector.get_submodule(f"fc_{name}").weight.mul_(0.05)
        for name in ("t", "exp"):
            detector.get_submodule(f"fc_{name}").bias.zero_()


def hearing(folder):
    """Write a HuBERT."""
    from transformers import HubertConfig, HubertModel

    network = HubertModel(
        HubertConfig(
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            conv_dim=(8,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=2,
        )
    )
    network.save_pretrained(folder)


def speech(folder):
    """Write JoyVASA's checkpoint, with what the official one has beside tensors, and its template."""
    import numpy as np

    from engines.animation.joyvasa import MOTION, TEMPLATE
    from engines.animation.nets.joyvasa import Motion, Shape

    state = Motion(Shape(heard=32, width=512 // NARROW)).state_dict()
    args = argparse.Namespace(n_motions=100, exp_dir=PosixPath("out"), fps=25)
    write({"args": args, "model": state, "iter": 1}, folder / MOTION)
    chance = np.random.default_rng(0)
    template = {
        "mean_exp": np.zeros(63, np.float32),
        "std_exp": chance.uniform(0.005, 0.02, 63).astype(np.float32),
        "min_t": np.full(3, -0.05, np.float32),
        "max_t": np.full(3, 0.05, np.float32),
    }
    for name, (low, high) in POSE.items():
        template[f"min_{name}"] = np.array([low], np.float32)
        template[f"max_{name}"] = np.array([high], np.float32)
    path = folder / TEMPLATE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(template, protocol=4))


def write(found, path):
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(found, path)
