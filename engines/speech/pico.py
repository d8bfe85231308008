"""SVOX Pico: one voice each for English, German, Spanish, French, Italian, by `pico2wave`.

Debian keeps it in its non-free section (the source of the voices is not given), so it is used
where it is found, and never required.
"""

from pathlib import Path

from engines.catalog import built_in
from engines.roles import BuiltInVoice, Reference, Speech
from engines.speech.line import check_rate, clean, spoken, variation
from media.program import ask_program
from studio.errors import BadInput
from studio.progress import Progress, silent

LOCALES = {"en-US": "en", "en-GB": "en", "de-DE": "de", "es-ES": "es", "fr-FR": "fr", "it-IT": "it"}
SPEED_MIN, SPEED_MAX = 20, 500  # levels, 100 is the voice's own
TIMEOUT_S = 60.0


class Pico:
    """Speaks at 16 kHz; rate and pitch by its own tags."""

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`."""
        return built_in("pico", language)

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
        """Speak one line; a seed moves tempo and pitch by up to 2 %. See `engines.roles.Speaker`."""
        progress(0, 1)
        if voice not in LOCALES:
            known = ", ".join(LOCALES)
            raise BadInput(f"Pico has no voice {voice!r}", remedy=f"Choose one of {known}.")
        if LOCALES[voice] != language:
            raise BadInput(
                f"Pico's voice {voice} does not speak {language!r}", remedy="Choose another voice."
            )
        speed = round(100 * check_rate(rate) * (1.0 + variation(seed, "tempo")))
        pitch = round(100 * (1.0 + variation(seed, "pitch")))
        speed = min(SPEED_MAX, max(SPEED_MIN, speed))
        line = clean(text).replace("&", " ")
        tagged = f"<speed level='{speed}'><pitch level='{pitch}'>{line}</pitch></speed>"

        def program(source: Path, target: Path) -> None:
            ask_program(
                ["pico2wave", "-l", voice, "-w", str(target)],
                stdin=source.read_text("utf-8"),
                timeout_s=TIMEOUT_S,
            )

        return spoken(tagged, program)
