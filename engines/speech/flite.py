"""Flite: four American and Scottish voices, small and quick, by the `flite` program.

Black, Lenzo: Flite, a small fast run-time synthesis engine (2001).
"""

import unicodedata
from pathlib import Path

from engines.catalog import built_in
from engines.roles import BuiltInVoice, Reference, Speech
from engines.speech.line import check_rate, clean, spoken, variation
from media.program import ask_program
from studio.errors import BadInput
from studio.progress import Progress, silent

VOICES = ("rms", "slt", "awb", "kal16")
TIMEOUT_S = 60.0
_ASCII = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "."})


class Flite:
    """English at 16 kHz; the rate is made by the durations of its sounds."""

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`."""
        return built_in("flite", language)

    def speak(
        self,
        text: str,
        voice: str,
        language: str,
        rate: float,
        seed: int,
        *,
        reference: Reference | None = None,  # noqa: ARG002 - its voices are nobody's
        progress: Progress = silent,
    ) -> Speech:
        """Speak one line; a seed moves the tempo by up to 2 %. See `engines.roles.Speaker`."""
        progress(0, 1)
        if language != "en":
            raise BadInput(f"flite does not speak {language!r}", remedy="Choose another voice.")
        if voice not in VOICES:
            raise BadInput(f"flite has no voice {voice!r}", remedy=f"Choose {', '.join(VOICES)}.")
        stretch = 1.0 / (check_rate(rate) * (1.0 + variation(seed, "tempo")))

        def program(source: Path, target: Path) -> None:
            arguments = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.4f}"]
            ask_program(
                [*arguments, "-f", str(source), "-o", str(target)],
                timeout_s=TIMEOUT_S,
                environment={"LC_ALL": "C.UTF-8"},
            )

        return spoken(clean(_plain(text)), program)


def _plain(text: str) -> str:
    """Return `text` in ASCII, which is all that flite reads: é becomes e, other scripts vanish."""
    apart = unicodedata.normalize("NFKD", text.translate(_ASCII))
    return apart.encode("ascii", "ignore").decode("ascii")
