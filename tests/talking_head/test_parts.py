"""A film that is animated in parts: no seam is seen, a Stop or a kill loses one part at most."""

from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import pytest

from engines import catalog
from engines.roles import Phone
from media.audio import Audio, open_audio, write_audio
from media.film import read_film
from media.pictures import read_picture, write_png
from studio.artefacts import Store
from studio.errors import Cancelled
from studio.memory import Memory
from studio.steps import Run
from tests.dub.studio import make
from tests.media import ROOT, shared
from tests.studio.kill_helper import kill_and_resume
from workflows.talking_head import WORKFLOW, animation
from workflows.talking_head.portrait import Portrait
from workflows.talking_head.talk import FLAC, RATE_HZ, Speech

FPS = 25
SIDE_PX = 160
SECONDS = 21


@dataclass
class Watcher:
    """Notes how much of each step was computed; stops the run after so many parts."""

    parts: int = 1_000
    computed: dict[str, int] = field(default_factory=dict)

    def started(self, step, engine, items):
        self.step = step.name

    def item(self, done):
        if done >= self.parts and self.step == animation.animate.name:
            raise Cancelled("stopped")

    def progress(self, done, total):
        pass

    def finished(self, step, seconds, computed):
        self.computed[step.title] = self.computed.get(step.title, 0) + computed

    def check(self):
        pass


@dataclass(frozen=True)
class Lender:
    engine: object

    def identity(self, engine):
        return f"{type(self.engine).__name__}"

    def lease(self, engine, job="", check=None):
        return nullcontext(self.engine)

    def relieve(self, engine, error):
        return False


class Counter:
    """An engine that goes on from the frames before: each frame is one brighter than the last."""

    looks_back = 3
    hears_back_s = 2.0

    def __init__(self):
        self.seen = []

    def animate(self, portrait, face, speech, phones, *, fps, seed, progress, part):
        assert round(speech.duration_s * fps) >= part.stop
        self.seen.append(len(part.before))
        level = round(float(part.before[-1].mean())) if part.before else 20
        for done in range(part.stop - part.first):
            level = level + 1 if done % 8 == 0 else level
            yield np.full_like(portrait, level)

    def paste_back(self, portrait, face):
        return None


def sound_of(seed=1, changed=()):
    """Return bursts of noise with gaps; those that begin in `changed` seconds sound differently."""
    dice = np.random.default_rng(seed)
    samples = dice.normal(size=SECONDS * RATE_HZ) * 0.15
    loud = np.repeat(dice.random(SECONDS * 5) > 0.3, RATE_HZ // 5)
    for second in changed:
        samples[second * RATE_HZ : (second + 1) * RATE_HZ] *= -0.4
    return Audio((samples * loud)[None].astype(np.float32), RATE_HZ)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Return a folder's store, a small portrait in it, and a run with an engine and a watcher."""
    entry = catalog.entry("face-mesh")
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    folder = tmp_path_factory.mktemp("parts")
    store = Store(folder)
    pixels = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=SIDE_PX)
    face = entry.build().find(pixels)[0]
    kept = store.keep(write_png(pixels, folder / "p.png"), "image/png", "p.png")
    portrait = Portrait(kept, tuple((float(x), float(y)) for x, y in face.points), 1.0, 0.0)

    def run(engine, watcher, memory="memory"):
        engines = {"PortraitAnimator": "one"}
        return Run(store, Memory(folder / memory), engines, Lender(engine), watcher)

    def speech(audio):
        laid = store.keep(write_audio(audio, folder / "s.flac"), FLAC, "s.flac")
        return Speech(laid, laid, audio.duration_s, (0.0,), -16.0, -1.0)

    return store, portrait, run, speech


def animated(run, portrait, speech, phones=()):
    return animation.animated(run, portrait, speech, phones, fps=FPS, seed=3)


def test_no_seam_is_seen_and_parts_are_the_whole_film(scene, monkeypatch):
    store, portrait, run, speech = scene
    puppet = catalog.entry("puppet").build()
    phones = tuple(Phone("ɑmuti"[i % 5], i * 0.3, i * 0.3 + 0.25) for i in range(60))
    moving = animated(run(puppet, Watcher()), portrait, speech(sound_of()), phones)
    frames = np.stack(list(read_film(store.path(moving.film)))).astype(np.int16)
    assert len(frames) == moving.frames == SECONDS * FPS
    seams = animation.cuts(open_audio(store.path(speech(sound_of()).laid)), FPS)
    assert len(seams) == 2
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    inner = np.delete(steps, [each - 1 for each in seams])
    assert max(steps[each - 1] for each in seams) <= 1.5 * inner.max()  # of two key frames' coding
    monkeypatch.setattr(animation, "PART_S", 1_000.0)
    whole = animated(run(puppet, Watcher()), portrait, speech(sound_of()), phones)
    for one, other in zip(frames, read_film(store.path(whole.film)), strict=True):
        assert np.abs(one - other).mean() < 1.5  # they differ by the coding alone


def test_a_change_and_a_stop_cost_only_the_parts_they_touch(scene):
    _, portrait, run, speech = scene
    puppet = catalog.entry("puppet").build()
    stopped = Watcher(parts=2)
    with pytest.raises(Cancelled):
        animated(run(puppet, stopped, "fresh"), portrait, speech(sound_of()))
    again, changed = Watcher(), Watcher()
    animated(run(puppet, again, "fresh"), portrait, speech(sound_of()))
    assert again.computed["Bring the portrait to life"] == 1
    animated(run(puppet, changed, "fresh"), portrait, speech(sound_of(changed=[12])))
    assert changed.computed["Bring the portrait to life"] == 1


def test_an_engine_that_looks_back_goes_on_from_the_frames_before(scene):
    store, portrait, run, speech = scene
    counter, watcher = Counter(), Watcher()
    moving = animated(run(counter, watcher), portrait, speech(sound_of()))
    levels = [float(each.mean()) for each in read_film(store.path(moving.film))]
    assert counter.seen == [0, 3, 3]
    assert np.abs(np.diff(levels)).max() < 2.5  # it never falls back to its beginning
    assert levels[-1] > levels[0] + 50


@pytest.mark.slow
def test_a_kill_loses_one_part(tmp_path):
    for id_ in ("face-mesh", "puppet"):
        if lacking := catalog.entry(id_).missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")
    studio = make(tmp_path)
    one = open_audio(shared("speech/en_LJ001-0002.flac")).read().resampled(RATE_HZ).samples
    long = write_audio(Audio(np.tile(one, 8)[:, : 13 * RATE_HZ], RATE_HZ), tmp_path / "long.flac")
    small = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=256)
    avatar = write_png(small, tmp_path / "portrait.png")
    taken = {
        name: studio.store.take_in(path, "application/octet-stream")
        for name, path in (("avatar", avatar), ("audio", long))
    }
    job = studio.submit("talking-head", WORKFLOW.request(**taken, consent="nobody", fps=24))
    report = kill_and_resume(
        "tests.dub.studio:make",
        tmp_path,
        job.id,
        kills=1,
        seed=1,
        shortest_s=0.2,
        longest_s=0.8,
        after="Bring the portrait to life",
    )
    assert report.kills and report.repeated <= report.kills
    assert studio.result(job.id).report.frames == 13 * 24 + round(0.8 * 24)
