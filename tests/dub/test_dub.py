"""The whole dub, on the sample that the studio ships and on real talk."""

import json
import zipfile
from collections import Counter

import numpy as np
import pytest

from media.audio import open_audio
from media.probe import probe
from media.subtitles import read_subtitles
from media.verify import picture_hash
from studio.errors import NotFound
from studio.steps import Step
from tests.dub.studio import SAID, SAMPLE, ask, make, result, run, sheet
from tests.media import shared
from workflows.dub import WORKFLOW
from workflows.dub.model import CastEdit, Edits, LineEdit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def studio(tmp_path_factory, heard_sample):
    return make(heard_sample(tmp_path_factory.mktemp("dub")))


@pytest.fixture(scope="module")
def dubbed(studio):
    return run(studio, ask(studio, video=SAMPLE, subtitles=SAID, source_language="en"))


@pytest.fixture(scope="module")
def heard(studio):
    return run(studio, ask(studio, video=SAMPLE))


def computed(studio, job) -> Counter[str]:
    """How many items of each step, by title, were computed for a job: not those recalled."""
    found = studio.settings.data_dir.glob("memory/*/*.json")
    origins = (json.loads(each.read_text().splitlines()[0]) for each in found)
    return Counter(each["step"] for each in origins if each["job"] == job.id)


def test_speech_becomes_a_spanish_film_of_the_same_length(studio, heard):
    made = result(studio, heard)
    before, after = probe(SAMPLE), probe(studio.store.path(made.video))
    assert picture_hash(before) == picture_hash(after)
    assert after.duration_s == pytest.approx(before.duration_s, abs=before.video.frame_s)
    assert [each.language for each in after.audios] == ["es", "en"]
    assert after.audios[0].is_default and not after.audios[1].is_default
    assert [each.language for each in after.subtitles] == ["es", "en", "es"]
    lines = sheet(studio, heard).lines
    said = " ".join(line.translation.lower() for line in lines)
    assert "música" in said and "luna" in said


def test_the_music_plays_on_under_the_voices(studio, dubbed):
    made = result(studio, dubbed)
    new = open_audio(studio.store.path(made.audio))
    lines = sheet(studio, dubbed).lines
    first_s = min(min(line.start_s, line.dub_start_s) for line in lines) - 0.3
    intro = new.cut(0, first_s).samples
    assert np.abs(intro).max() > 0.01, "the music before the first word is gone"
    speech = new.cut(lines[0].dub_start_s, lines[0].dub_end_s).samples
    assert np.square(speech).mean() > np.square(intro).mean()


def test_every_file_that_is_promised_is_there(studio, dubbed):
    files = studio.export(dubbed.id)
    assert {path.suffix for path in files.values()} >= {".mp4", ".flac", ".srt", ".vtt", ".zip"}
    with zipfile.ZipFile(files["stems"]) as box:
        names = box.namelist()
    assert "background.flac" in names and "Speaker 1.flac" in names
    cues = read_subtitles(files["subtitles_target"])
    end_s = probe(SAMPLE).duration_s
    assert len(cues) >= 6 and all(0 <= cue.start_s < cue.end_s <= end_s for cue in cues)


def test_given_subtitles_nothing_is_recognised_and_the_words_are_theirs(studio, dubbed):
    texts = [line.text for line in sheet(studio, dubbed).lines]
    assert texts[0] == " ".join(read_subtitles(SAID)[0].text.split())
    assert "Transcriber" not in dubbed.engines


def test_one_changed_line_speaks_one_line_again(studio, dubbed):
    line = sheet(studio, dubbed).lines[2]
    new = "Mi abuelo vivía en la luna."
    edits = Edits(lines=(LineEdit(id=line.id, translation=new),))
    request = ask(studio, video=SAMPLE, subtitles=SAID, source_language="en", edits=edits)
    again = run(studio, request, parent=dubbed.id)
    assert (
        next(each for each in sheet(studio, again).lines if each.id == line.id).translation == new
    )
    assert result(studio, again).video != result(studio, dubbed).video
    first, second = computed(studio, dubbed), computed(studio, again)
    titles = {each.title for each in WORKFLOW.steps}
    assert titles > {"Mix", "Encode the sound", "Weigh the lines"}
    early = ("Separate voices and background", "Find the speech", "Tell the speakers apart")
    assert not any(second[title] for title in (*early, "Translate"))
    # The stretches in which the line is heard, before and after: not the whole film.
    assert 1 <= second["Mix"] <= 3 < first["Mix"]
    assert 1 <= second["Encode the sound"] <= 3 < first["Encode the sound"]
    assert second["Weigh the lines"] <= 3 < first["Weigh the lines"]
    assert second["Lay out each speaker"] == 1 < first["Lay out each speaker"]


def test_outside_speech_a_changed_line_changes_nothing_far_away(studio, dubbed):
    line = sheet(studio, dubbed).lines[0]
    edits = Edits(lines=(LineEdit(id=line.id, translation="Hola."),))
    request = ask(studio, video=SAMPLE, subtitles=SAID, source_language="en", edits=edits)
    again = run(studio, request, parent=dubbed.id)
    old, new = (
        open_audio(studio.store.path(result(studio, each).audio)) for each in (dubbed, again)
    )
    assert old.n_samples == new.n_samples
    differs = (old.read().samples != new.read().samples).any(axis=0)
    assert differs.any()
    assert np.flatnonzero(differs).max() / old.sample_rate_hz < line.end_s + 2
    report = {each.name: each for each in result(studio, again).report.metrics}
    assert all(report[name].passed for name in ("true_peak", "exact_outside", "samples_exact"))


def test_a_speaker_gets_the_voice_and_the_name_that_were_chosen(studio, dubbed):
    before = sheet(studio, dubbed)
    who = before.cast[0].speaker
    edits = Edits(cast=(CastEdit(speaker=who, name="Bear", voice="marco"),))
    request = ask(studio, video=SAMPLE, subtitles=SAID, source_language="en", edits=edits)
    after = sheet(studio, run(studio, request))
    member = next(each for each in after.cast if each.speaker == who)
    assert (member.name, member.voice) == ("Bear", "marco")


def test_equal_requests_give_equal_files(studio, dubbed):
    request = ask(studio, video=SAMPLE, subtitles=SAID, source_language="en")
    again = run(studio, request)
    assert result(studio, again) == result(studio, dubbed)


def test_another_folder_computes_the_same_bytes(studio, dubbed, tmp_path):
    other = make(tmp_path)
    request = ask(other, video=SAMPLE, subtitles=SAID, source_language="en")
    assert result(other, run(other, request)) == result(studio, dubbed)


def test_a_look_before_speaking_parks_the_job(studio):
    request = ask(studio, video=SAMPLE, subtitles=SAID, source_language="en", review=True)
    job = run(studio, request)
    assert job.state == "waiting" and job.review == "lines"
    shown = json.loads(job.review_value)
    line = shown["sheet"]["lines"][0]
    shown["edits"]["lines"] = [{"id": line["id"], "translation": "Buenas noches."}]
    cast = [{"speaker": line["speaker"], "character": "Nobody"}]
    shown["edits"]["cast"] = cast
    with pytest.raises(NotFound, match="no character 'Nobody'"):
        studio.answer(job.id, "", json.dumps(shown))
    cast[0]["character"] = "vera"  # a name alone will do
    studio.answer(job.id, "", json.dumps(shown))
    done = studio.run_here(job.id, lambda _: None)
    made = sheet(studio, done)
    assert made.lines[0].translation == "Buenas noches."
    assert made.edits.cast[0].character.consent is not None


def test_the_av_offset_is_kept(studio):
    path = shared("odd/av_offset_+300ms.mp4")
    said = shared("video/made_talk_4shots.srt")
    made = result(
        studio, run(studio, ask(studio, video=path, subtitles=said, source_language="en"))
    )
    before, after = probe(path), probe(studio.store.path(made.video))
    late_s = before.audios[0].start_s - before.start_s
    assert late_s > 0.2
    new, old = (
        after.audios
    )  # the dub has its offset as silence, the copied original as a time stamp
    assert new.start_s + new.duration_s == pytest.approx(old.start_s + old.duration_s, abs=0.03)
    assert old.start_s - after.start_s == pytest.approx(late_s, abs=0.005)


def test_both_subtitles_make_any_language_possible(studio):
    request = ask(
        studio,
        video=SAMPLE,
        subtitles=SAID,
        translated_subtitles=SAID,
        source_language="en",
        target_language="de",
    )
    assert "Translator" not in WORKFLOW.needs(request).__repr__()
    assert result(studio, run(studio, request)).subtitles_target is not None


def test_every_step_of_the_dub_stands_in_its_list():
    from workflows import likeness
    from workflows.dub import casting, delivery, hearing, lines, lips, mixing, speaking, wording

    rooms = (casting, delivery, hearing, likeness, lines, lips, mixing, speaking, wording)
    used = {each.name for room in rooms for each in vars(room).values() if isinstance(each, Step)}
    assert used == {each.name for each in WORKFLOW.steps}


def test_without_a_separator_the_original_is_lowered_and_the_report_says_so(studio):
    request = ask(studio, video=SAMPLE, subtitles=SAID, source_language="en", seed=7)
    job = studio.submit("dub", request)
    engines = {role: id_ for role, id_ in job.engines.items() if role != "Separator"}
    import sqlalchemy as sa

    from studio.database import JOBS, writing

    with writing(studio.library.database) as db:
        db.execute(sa.update(JOBS).where(JOBS.c.id == job.id).values(engines=json.dumps(engines)))
    done = studio.run_here(job.id, lambda _: None)
    assert any("lowered" in each for each in result(studio, done).report.warnings)
