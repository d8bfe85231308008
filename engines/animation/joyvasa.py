"""Speech to LivePortrait's motion by JoyVASA: read from the official files, drawn window by window.

Cao et al. 2024 (arXiv 2411.09209), https://github.com/jdh-algo/JoyVASA (MIT). As there: 80 ms of silence
before and 40 ms after, windows of 4 s that go on from one another and begin with the same noise,
expressions by mean and deviation, the rest between bounds, and everything but the expression slowed down.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engines.animation.liveportrait_motion import Floats, Poses
from engines.animation.liveportrait_networks import AGAIN, FETCH, read_state
from engines.checkpoints import read_arrays
from engines.networks import device_of, official
from media.audio import Audio
from studio.errors import BadInput, MissingWeights

if TYPE_CHECKING:
    import torch

MOTION = "motion_generator/motion_generator_hubert_chinese.pt"
TEMPLATE = "motion_template/motion_template.pkl"
RATE_HZ, FPS = 16_000, 25
WINDOW = 100  # frames
BEFORE, AFTER = 1280, 640  # samples of silence
SLOW = 0.01  # share of a new frame's pose in the smoothed one
ENCODER = "audio_encoder."  # of HuBERT's tensors, where the checkpoint holds its own
COMPUTED = "denoising_net.TE.pe"  # a table that the official code computes too, in another length


class SpeechMotion:
    """Draws how a face moves while it says something.

    Args:
        weights: folder of JoyVASA in the official layout.
        hearing: folder of the HuBERT that it hears with.
        narrow: what all widths are divided by; 1: as published.
        steps: of the walk from noise; the official code takes all 500.
        guidance: how much the sound counts; 1: as trained, 2: the authors' choice.
    """

    def __init__(
        self, weights: Path, hearing: Path, *, narrow: int, steps: int, guidance: float
    ) -> None:
        self._weights, self._hearing, self._narrow = weights, hearing, narrow
        self._steps, self._guidance = steps, guidance

    @cached_property
    def modules(self) -> Mapping[str, "torch.nn.Module"]:
        """HuBERT and the motion network; the first look reads the files.

        Raises:
            MissingWeights: if a file is not there.
            BadInput: if a file is not what it should be.
        """
        from transformers.models.hubert import HubertModel  # noqa: PLC0415 - heavy

        from engines.animation.nets.joyvasa import Motion, Shape  # noqa: PLC0415 - heavy

        unmasked = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}  # masks are for training
        hubert = official(HubertModel, self._hearing, "float32", files=("config.json",), **unmasked)
        allowed = [argparse.Namespace, (PosixPath, "pathlib.PosixPath")]
        state = read_state(self._weights / MOTION, allowed)
        tuned = {
            name.removeprefix(ENCODER): each
            for name, each in state.items()
            if name.startswith(ENCODER)
        }
        motion = Motion(Shape(heard=hubert.config.hidden_size, width=512 // self._narrow))
        known = set(motion.state_dict()) - {COMPUTED}
        try:
            hubert.load_state_dict(tuned, strict=False)
            motion.load_state_dict(
                {name: each for name, each in state.items() if name in known}, strict=False
            )
        except RuntimeError as error:
            why = " ".join(str(error).split())[:200]
            raise BadInput(f"{MOTION} is not what was expected: {why}", remedy=AGAIN) from error
        if lacking := sorted(known - set(state)):
            raise BadInput(f"{MOTION} lacks {', '.join(lacking[:3])}", remedy=AGAIN)
        return {"hearing": hubert, "motion": motion.eval().requires_grad_(False)}

    @cached_property
    def _template(self) -> Mapping[str, Floats]:
        path = self._weights / TEMPLATE
        if not path.is_file():
            raise MissingWeights(f"{path.name} is not here", remedy=FETCH)
        found = read_arrays(path)
        names = [f"{end}_{part}" for part in PARTS[1:] for end in ("min", "max")]
        lacking = [each for each in ("mean_exp", "std_exp", *names) if each not in found]
        if lacking:
            raise BadInput(f"{path.name} lacks {', '.join(lacking)}", remedy=AGAIN)
        return {name: np.asarray(each, np.float32).ravel() for name, each in found.items()}

    def poses(self, sound: Audio, seed: int, check: Callable[[], None]) -> Poses:
        """Return the motion at 25 frames a second, from the beginning of the sound to its end.

        Args:
            sound: (1, samples), some seconds.
            seed: the same one gives the same motion.
            check: called before every window; may raise `Cancelled`.
        """
        import torch  # noqa: PLC0415 - heavy

        from engines.animation.nets.joyvasa import Past  # noqa: PLC0415 - heavy

        motion: Any = self.modules["motion"]
        device = device_of(motion)
        chance = torch.Generator().manual_seed(seed)
        noise = torch.randn((1, WINDOW, 70), generator=chance).to(device)
        wave = np.pad(sound.mono().resampled(RATE_HZ).samples, ((0, 0), (BEFORE, AFTER)))
        n_frames = int(wave.shape[1] * FPS / RATE_HZ)
        windows, size = max(1, math.ceil(n_frames / WINDOW)), WINDOW * RATE_HZ // FPS
        wave = np.pad(wave, ((0, 0), (0, max(0, windows * size - wave.shape[1]))))
        drawn: list[Floats] = []
        with torch.inference_mode():
            past = motion.start()
            for window in range(windows):
                check()
                piece = torch.from_numpy(wave[:, window * size : (window + 1) * size]).to(device)
                heard = motion.listen(self.modules["hearing"], piece)
                made = motion.walk(
                    heard, past, noise, chance, steps=self._steps, guidance=self._guidance
                )
                past = Past(made[:, -10:], heard[:, -10:])
                drawn.append(made[0].float().cpu().numpy())
        return self._read(np.concatenate(drawn)[:n_frames])

    def _read(self, numbers: Floats) -> Poses:
        """Return the poses that (frames, 70) numbers stand for."""
        known = self._template
        expression = numbers[:, :63] * known["std_exp"] + known["mean_exp"]
        read: list[Floats] = []
        for part, columns in zip(PARTS[1:], COLUMNS, strict=True):
            low, high = known[f"min_{part}"], known[f"max_{part}"]
            read.append(_slowed(numbers[:, columns] * (high - low) + low))
        scale, shift, *angles = read
        return Poses(
            np.concatenate(angles, axis=1),
            scale,
            shift,
            expression.reshape(-1, 21, 3).astype(np.float32),
        )


PARTS = ("exp", "scale", "t", "pitch", "yaw", "roll")
COLUMNS = (slice(63, 64), slice(64, 67), slice(67, 68), slice(68, 69), slice(69, 70))


def _slowed(values: NDArray[np.floating[Any]]) -> Floats:
    """Return (frames, n) after a moving average that begins with the first frame."""
    made, last = np.empty(values.shape, np.float32), values[:1]
    for place, value in enumerate(values):
        last = SLOW * value + (1 - SLOW) * last
        made[place] = last
    return made
