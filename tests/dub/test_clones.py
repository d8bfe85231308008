"""The whole dub with voices that clone, at a tiny size; and how often a model is loaded in a dub."""

from contextlib import contextmanager
from itertools import groupby

import pytest

from app import known
from engines import catalog
from media.probe import probe
from media.subtitles import read_subtitles
from studio.settings import Settings
from studio.studio import Studio
from tests import tiny
from tests.dub.studio import SAID, SAMPLE, ask, beginning, result, run, sheet

CLONING = [
    each.id
    for each in catalog.entries("Speaker").values()
    if "clone" in each.capabilities and each.weights is not None
]


class Lender:
    """Lends the tiny engine of one id, all others as they are, and notes who was lent."""

    def __init__(self, small=""):
        self.small, self.lent = small, []

    def identity(self, engine):
        return catalog.entry(engine).identity()

    def expect(self, job, engines, note):
        pass

    def withdraw(self, job):
        pass

    def relieve(self, engine, error):
        return False

    @contextmanager
    def lease(self, engine, *_, **__):
        self.lent.append(engine)
        yield tiny.tiny(engine) if engine == self.small else catalog.entry(engine).build()

    @property
    def loads(self):
        """The engines in the order in which a lender that keeps one has to load them."""
        return [engine for engine, _ in groupby(self.lent)]


def make(folder, lender, **engines):
    def engines_for(needs, quality):
        return {**catalog.engines_for(needs, "draft"), **engines}

    settings = Settings(data_dir=folder, crash_limit=1000)
    return Studio(settings, known(), lender, engines_for, uses_gpu=lambda ids: False)


def _clock(seconds):
    whole = int(seconds)
    return f"00:{whole // 60:02d}:{whole % 60:02d},{round((seconds - whole) * 1000) % 1000:03d}"


@pytest.mark.slow
@pytest.mark.parametrize("id_", CLONING)
def test_a_dub_with_copies_of_the_voices_goes_through(id_, tmp_path, heard_sample):
    lender = Lender(id_)
    studio = make(heard_sample(tmp_path), lender, Speaker=id_)
    said = tmp_path / "two.srt"
    cues = read_subtitles(SAID)
    first, last = cues[0], cues[-1]
    said.write_text(
        f"1\n{_clock(first.start_s)} --> {_clock(first.start_s + 4)}\nGood night.\n\n"
        f"2\n{_clock(last.start_s - 1)} --> {_clock(last.end_s)}\nThe moon, the sea.\n"
    )
    request = ask(
        studio,
        video=SAMPLE,
        subtitles=said,
        translated_subtitles=said,
        source_language="de",
        target_language="en",
    )
    job = run(studio, request)
    made, table = result(studio, job), sheet(studio, job)
    before, after = probe(SAMPLE), probe(studio.store.path(made.video))
    assert after.duration_s == pytest.approx(before.duration_s, abs=before.video.frame_s)
    assert {each.voice for each in table.cast} == {"own"}
    assert table.voices[0].id == "own"
    assert all(line.flag != "not spoken" for line in table.lines)
    cut = next(each for each in made.report.metrics if each.name == "lines_cut")
    assert cut.value == 0
    told = " ".join(made.report.warnings)
    assert "copies of real ones" in told and "turned toward" not in told
    assert "spectral-converter" not in lender.lent  # the voice is the speaker's already
    assert lender.loads.count(id_) == 1


def test_a_dub_loads_every_model_once(tmp_path):
    lender = Lender()
    studio = make(tmp_path, lender)
    film, said = beginning(tmp_path)
    request = ask(studio, video=film, subtitles=said, source_language="en")
    result(studio, run(studio, request))
    assert "spectral-converter" in lender.lent and lender.lent.count("espeak-ng") >= 3
    assert sorted(lender.loads) == sorted(set(lender.loads))


def test_an_engine_that_the_user_names_is_the_only_one_asked():
    from workflows.dub.request import DubRequest, needs

    request = DubRequest(target_language="en", speaker_engine="espeak-ng")
    chosen = {each.need.role: each for each in catalog.choose(needs(request), "draft")}
    assert chosen["Speaker"].engine.id == "espeak-ng"
    request = DubRequest(target_language="cy", speaker_engine="flite")  # it speaks English alone
    chosen = {each.need.role: each for each in catalog.choose(needs(request), "draft")}
    assert (
        chosen["Speaker"].engine is None
        and "nothing called 'flite' here speaks" in chosen["Speaker"].why
    )
