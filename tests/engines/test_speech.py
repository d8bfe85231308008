import shutil
import subprocess

import numpy as np
import pytest

from engines import catalog
from engines.speech.line import clean, trimmed, variation
from media.audio import Audio
from media.pitch import track_pitch
from studio.errors import BadInput, MissingWeights

SENTENCE = {
    "en": "The old house stands at the end of a quiet street.",
    "es": "La casa vieja está al final de una calle tranquila.",
    "fr": "La vieille maison est au bout d'une rue tranquille.",
    "de": "Das alte Haus steht am Ende einer ruhigen Straße.",
    "it": "La vecchia casa è in fondo a una strada tranquilla.",
    "pt": "A velha casa fica no fim de uma rua tranquila.",
    "ca": "La casa vella és al final d'un carrer tranquil.",
}
VOICES = [
    (v.id, lang) for v in catalog.voices().values() for lang in SENTENCE if lang in v.languages
]


def speaker_of(voice):
    entry = catalog.entry(voice.engine)
    if lacking := entry.missing():
        pytest.skip(f"{voice.engine}: {lacking[0].what} is missing")
    return entry.build()


def voice_and_speaker(id_):
    voice = catalog.voices()[id_]
    return voice, speaker_of(voice)


BUILT_IN = [
    id_
    for id_ in catalog.entries("Speaker")
    if any(v.engine == id_ for v in catalog.voices().values())
]


@pytest.fixture(params=BUILT_IN)
def any_voice(request):
    voice = next(v for v in catalog.voices().values() if v.engine == request.param)
    return voice, speaker_of(voice), voice.languages[0] if "en" not in voice.languages else "en"


def quiet_ends_s(audio):
    """Silence: 5 ms that are 42 dB below the loudest 5 ms."""
    hop = audio.sample_rate_hz // 200
    frames = audio.samples[0][: audio.samples.shape[1] // hop * hop].reshape(-1, hop)
    power = np.square(frames).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10**-4.2)
    return loud[0] * 0.005, (len(power) - 1 - loud[-1]) * 0.005


@pytest.mark.parametrize(("id_", "language"), VOICES)
def test_every_voice_speaks_each_main_language(id_, language):
    voice, speaker = voice_and_speaker(id_)
    audio = speaker.speak(SENTENCE[language], voice.name, language, 1.0, 0).audio
    assert audio.samples.dtype == np.float32 and audio.channels == 1
    assert 1.2 < audio.duration_s < 5
    assert 0.02 < np.abs(audio.samples).max() <= 1
    assert voice.pitch_hz == pytest.approx(track_pitch(audio).median_hz, rel=0.15)


def test_each_language_has_two_high_and_two_low_voices():
    for language in SENTENCE:
        pitches = [v.pitch_hz for v in catalog.voices(language).values()]
        assert sum(p > 165 for p in pitches) >= 2 and sum(p < 140 for p in pitches) >= 2
        names = [(v.engine, v.name) for v in catalog.voices(language).values()]
        assert len(set(names)) == len(names)


class TestContract:
    def test_ends_are_trimmed(self, any_voice):
        voice, speaker, language = any_voice
        audio = speaker.speak(SENTENCE.get(language, "Radio."), voice.name, language, 1.0, 0).audio
        assert max(quiet_ends_s(audio)) <= 0.021

    @pytest.mark.parametrize("rate", [0.8, 1.25, 1.6])
    def test_rate_is_made_by_the_engine(self, any_voice, rate):
        voice, speaker, language = any_voice
        plain, fast = (
            speaker.speak(SENTENCE[language], voice.name, language, r, 0).audio for r in (1.0, rate)
        )
        assert plain.duration_s / fast.duration_s == pytest.approx(rate, rel=0.06)
        assert track_pitch(fast).median_hz == pytest.approx(track_pitch(plain).median_hz, rel=0.08)

    def test_same_seed_same_sound_other_seed_other_take(self, any_voice):
        voice, speaker, language = any_voice
        first, again, other = (
            speaker.speak(SENTENCE[language], voice.name, language, 1.0, seed).audio
            for seed in (3, 3, 4)
        )
        assert np.array_equal(first.samples, again.samples)
        assert not np.array_equal(first.samples, other.samples)
        assert first.duration_s == pytest.approx(other.duration_s, rel=0.05)

    @pytest.mark.parametrize("text", ["", "  \n", "…?!", "<<>>", "\x00\x01", "—"])
    def test_nothing_to_say_is_refused(self, any_voice, text):
        voice, speaker, language = any_voice
        with pytest.raises(BadInput) as caught:
            speaker.speak(text, voice.name, language, 1.0, 0)
        assert caught.value.remedy

    def test_an_unknown_voice_language_or_rate_is_refused(self, any_voice):
        voice, speaker, language = any_voice
        for name, tongue, rate in (
            ("-w /etc", language, 1.0),
            (voice.name, "xx", 1.0),
            (voice.name, language, 9.0),
        ):
            with pytest.raises(BadInput):
                speaker.speak("Hello.", name, tongue, rate, 0)

    @pytest.mark.parametrize(
        "text",
        [
            '<break time="9s"/> radio',
            "<volume level='0'> radio </volume>",
            "-w /tmp/evil radio",
            "[[r'eIdIoU]] radio",
            "radio\x01 100s \x1b[31m",
        ],
    )
    def test_markup_is_spoken_as_words_or_left_out(self, any_voice, text):
        voice, speaker, language = any_voice
        audio = speaker.speak(text, voice.name, language, 1.0, 0).audio
        assert 0.25 < audio.duration_s < 7 and np.abs(audio.samples).max() > 0.02

    def test_lists_its_voices(self, any_voice):
        voice, speaker, language = any_voice
        assert voice.id in {each.id for each in speaker.voices(language)}


def test_flite_reads_accents_and_curly_quotes():
    voice, speaker = voice_and_speaker("sally")
    plain = speaker.speak("It's a cafe - fine.", voice.name, "en", 1.0, 0).audio
    curly = speaker.speak("It’s a café — fine.", voice.name, "en", 1.0, 0).audio
    assert np.array_equal(plain.samples, curly.samples)


def test_flite_says_what_it_cannot_read():
    voice, speaker = voice_and_speaker("sally")
    with pytest.raises(BadInput):
        speaker.speak("日本語", voice.name, "en", 1.0, 0)


def test_espeak_knows_every_language_of_its_preset():
    entry = catalog.entry("espeak-ng")
    if entry.missing():
        pytest.skip("espeak-ng is missing")
    speaker = entry.build()
    for language in entry.languages[::6]:
        assert speaker.speak("radio 12", "+f2", language, 1.0, 0).audio.duration_s > 0.3


@pytest.mark.parametrize("name", ["es", "es-419+f2", "es+m3@70"])
def test_espeak_voices_may_name_an_accent(name):
    _, speaker = voice_and_speaker("alba")
    assert speaker.speak("hola", name, "es", 1.0, 0).audio.duration_s > 0.2
    with pytest.raises(BadInput):
        speaker.speak("hello", name, "en", 1.0, 0)


def test_a_missing_program_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingWeights):
        catalog.entry("flite").build().speak("Hello.", "rms", "en", 1.0, 0)


def test_no_text_reaches_the_argument_list(monkeypatch):
    _, speaker = voice_and_speaker("alba")
    seen = []
    real = subprocess.Popen

    class Watched(real):
        def __init__(self, command, **options):
            seen.extend(command)
            super().__init__(command, **options)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    speaker.speak("unmistakable", "+f2", "en", 1.0, 0)
    assert seen[0] == shutil.which("espeak-ng") and not any("unmistakable" in part for part in seen)


def test_trimming_keeps_what_sounds_and_drops_silence():
    tone = np.sin(np.arange(8000) / 5).astype(np.float32) * 0.3
    padded = np.concatenate([np.zeros(9000, np.float32), tone, np.zeros(5000, np.float32)])
    kept = trimmed(Audio(padded[None], 16_000))
    assert 8000 <= kept.samples.shape[1] <= 8000 + 2 * 320
    assert trimmed(Audio(np.zeros((1, 4000), np.float32), 16_000)).samples.size == 0


def test_cleaning_and_variation():
    assert clean("a <b>c</b>\n\x07d") == "a b c /b d"
    assert variation(0, "x") == 0
    assert all(-0.02 <= variation(seed, "x") <= 0.02 for seed in range(1, 200))
    assert len({variation(seed, "x") for seed in range(50)}) == 50
