"""As viperx's checkpoints."""

from tests.tiny.roformers import write

SETTINGS = {"config": "config.yaml"}


def make(folder):
    write(folder, "pymss_weights/model_bs_roformer_ep_368_sdr_12.9628.ckpt", "bs")
