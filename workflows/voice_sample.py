"""A voice says hello, so that one can choose by ear: a job of the studio's own."""

from collections.abc import Mapping

from pydantic import Field

from engines.roles import Speaker
from media.audio import write_audio
from media.spoken import spoken
from studio.artefacts import Artefact
from studio.request import Request, Result
from studio.steps import Desk, Run, engine_step
from studio.workflow import Need, Workflow

COUNTING = "1, 2, 3, 4, 5."
GREETINGS: Mapping[str, str] = {
    "ca": "Hola! Així sona la meva veu.",
    "de": "Hallo! So klingt meine Stimme.",
    "en": "Hello! This is how I sound.",
    "es": "¡Hola! Así suena mi voz.",
    "fr": "Bonjour ! Voici ma voix.",
    "it": "Ciao! Questa è la mia voce.",
    "pt": "Olá! Esta é a minha voz.",
}


class VoiceSampleRequest(Request):
    """Which voice to hear."""

    engine: str = Field(default="", max_length=80)
    """id of an engine that speaks; empty: what the quality chooses"""
    voice: str = Field(default="", max_length=80)
    """What that engine calls the voice"""
    language: str = Field(default="en", min_length=2, max_length=3)
    """That it shall speak"""


class VoiceSampleResult(Result):
    """The voice."""

    audio: Artefact


@engine_step("Say hello")
def say_hello(speaker: Speaker, desk: Desk, voice: str, language: str) -> Artefact:
    """Speak one short sentence; in a language without a greeting, count to five."""
    text = spoken(GREETINGS.get(language, COUNTING), language)
    speech = speaker.speak(text, voice, language, 1.0, 0, progress=desk.progress)
    path = write_audio(speech.audio, desk.scratch / "hello.flac")
    return desk.keep(path, "audio/flac", f"{voice}.flac")


def voice_sample(request: VoiceSampleRequest, run: Run) -> VoiceSampleResult:
    """Let a voice be heard."""
    return VoiceSampleResult(audio=run.step(say_hello, request.voice, request.language))


def needs(request: VoiceSampleRequest) -> tuple[Need, ...]:
    """Return the one engine."""
    return (Need("Speaker", request.language, engine=request.engine),)


WORKFLOW = Workflow(
    name="voice-sample",
    title="Voice sample",
    request=VoiceSampleRequest,
    result=VoiceSampleResult,
    run=voice_sample,
    needs=needs,
    steps=(say_hello,),
    shown=False,
    listed=False,
)
