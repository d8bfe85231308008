"""eSpeak NG: a formant synthesiser for a hundred languages, by the `espeak-ng` program.

The program is GPL-3; it is called, never linked. https://github.com/espeak-ng/espeak-ng
"""

import re
from pathlib import Path

from engines.catalog import built_in, entry
from engines.espeak import voice_of
from engines.roles import BuiltInVoice, Reference, Speech
from engines.speech.line import check_rate, clean, spoken, variation
from media.program import ask_program
from studio.errors import BadInput
from studio.progress import Progress, silent

WORDS_PER_MINUTE, SLOWEST, FASTEST = 175, 80, 450
PITCH = 50  # of 0..99
TIMEOUT_S = 60.0
_NAME = re.compile(
    r"(?P<base>[a-z]{2,3}(-[a-z0-9]+)*)?(?P<variant>\+[A-Za-z0-9]+)?(@(?P<pitch>\d\d?))?"
)


class EspeakNg:
    """Speaks at 22.05 kHz; any voice speaks any of its languages.

    A voice's name is `[accent][+variant][@pitch]`: "+f2" is variant f2 in whatever language the
    line has, "es-419+f2@60" is fixed to one accent and pitched up a little (50 is the middle).
    """

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`."""
        return built_in("espeak-ng", language)

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
        """Speak one line; a seed moves tempo and pitch a little. See `engines.roles.Speaker`."""
        progress(0, 1)
        name, pitch = _voice(voice, language)
        speed = WORDS_PER_MINUTE * check_rate(rate) * (1.0 + variation(seed, "tempo"))
        pitch += round(variation(seed, "pitch") * 100)

        def program(source: Path, target: Path) -> None:
            words_per_minute = min(FASTEST, max(SLOWEST, round(speed)))
            options = ["-s", str(words_per_minute), "-p", str(min(99, max(0, pitch)))]
            ask_program(
                ["espeak-ng", "-b", "1", "-z", "-v", name, *options, "--stdin", "-w", str(target)],
                stdin=source.read_text("utf-8"),
                timeout_s=TIMEOUT_S,
            )

        return spoken(clean(text), program)


def _voice(voice: str, language: str) -> tuple[str, int]:
    """Return the program's name for a voice, and its pitch."""
    known = entry("espeak-ng").languages
    if language not in known:
        raise BadInput(
            f"eSpeak NG does not speak {language!r}",
            remedy=f"Choose one of {', '.join(known)}.",
        )
    found = _NAME.fullmatch(voice)
    if found is None:
        raise BadInput(f"eSpeak NG has no voice {voice!r}", remedy='Choose one such as "+f2".')
    base = found["base"] or voice_of(language)
    own = voice_of(language)
    if base.split("-")[0] not in {language, own.split("-")[0]}:
        raise BadInput(
            f"the voice {voice!r} does not speak {language!r}", remedy="Choose another voice."
        )
    return base + (found["variant"] or ""), int(found["pitch"] or PITCH)
