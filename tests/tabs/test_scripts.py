"""What the README shows for scripts, run as it stands; and what of it is refused."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from gradio_client import handle_file

from engines import catalog
from media.tools import find_ffmpeg
from tests.tabs.conftest import ROOT

PORTRAIT, FILM = ROOT / "assets" / "portrait.jpg", ROOT / "assets" / "sample.mp4"
SAID = "1\n00:00:00,300 --> 00:00:02,600\nGood morning to you.\n"


@pytest.fixture(autouse=True)
def _engines():
    for id_ in ("face-mesh", "puppet", "flite", "espeak-clock"):
        if lacking := catalog.entry(id_).missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")


def example(number, **changes):
    """Return an example of the README, with those words replaced."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## From a script")[2]
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]
    for old, new in changes.values():
        assert old in code
        code = code.replace(old, new)
    return code


@pytest.mark.slow
def test_a_character_says_something(site, capsys):
    known = {}
    exec(example(0, url=("http://127.0.0.1:7860", site.url)), known)  # noqa: S102 - our own
    said = capsys.readouterr().out
    assert "'Vera'" in said and re.search(r"\(\d+/\d+\)", said)
    film = next(path for path in known["files"] if path.endswith(".mp4"))
    assert film in said and 1 < known["about"]["report"]["duration_s"] < 10


@pytest.mark.slow
def test_a_speaker_of_a_dub_speaks_as_a_character(client, tmp_path):
    film, lines = tmp_path / "talk.mp4", tmp_path / "lines.srt"
    cut = [str(find_ffmpeg()), "-v", "error", "-t", "3", "-i", str(FILM), "-c", "copy", str(film)]
    subprocess.run(cut, check=True, timeout=60)
    lines.write_text(SAID)
    quick = f'"target_language": "en", "source_language": "de", "translated_subtitles": handle_file({str(lines)!r})'
    code = example(
        1,
        face=("ann.jpg", str(PORTRAIT)),
        film=("talk.mp4", str(film)),
        quick=('"target_language": "es"', quick),
    )
    known = {"studio": client, "handle_file": handle_file, "sleep": lambda _: None}
    exec(code, known)  # noqa: S102 - our own
    assert known["now"]["state"] == "done", known["now"]["error"]
    sheet = json.loads(Path(known["files"]["transcript"]).read_text(encoding="utf-8"))
    assert [(each["speaker"], each["voice"]) for each in sheet["cast"]] == [("S1", "sally")]
    ann = next(each for each in client.predict(api_name="/characters") if each["name"] == "Ann")
    assert (ann["consent"], ann["pictures"], ann["shipped"]) == ("agreed", 1, False)


def test_voices_are_listed(client):
    found = client.predict("es", api_name="/voices")
    assert found and all("es" in each["languages"] for each in found)
    assert {each["id"] for each in client.predict("", api_name="/voices")} == set(catalog.voices())


@pytest.mark.parametrize(
    ("pictures", "settings", "says"),
    [
        ([], {}, "it is not said whose face"),
        ([], {"consent": "agreed"}, "not said who agreed"),
        ([], {"consent": "sure"}, "there is no consent 'sure'. There are me, agreed, nobody"),
        ([], {"consent": "me", "voice": "x"}, "there is no voice 'x'"),
        ([], {"consent": "me", "age": "7"}, "there is no setting 'age'"),
        ([{"path": "/etc/hostname"}], {"consent": "me"}, "is no upload"),
        ([handle_file(str(ROOT / "README.md"))], {"consent": "me"}, "README"),
    ],
)
def test_what_makes_no_character_is_a_sentence(client, pictures, settings, says):
    with pytest.raises(Exception, match=f"(?i){says}"):
        client.predict("Bea", pictures, [], settings, api_name="/create_character")
    assert "Bea" not in [each["name"] for each in client.predict(api_name="/characters")]


def test_characters_are_their_owners(ann_and_bob):
    ann, bob = ann_and_bob
    made = ann.predict("Dora", [], [], {"consent": "me"}, api_name="/create_character")
    assert made["id"] in [each["id"] for each in ann.predict(api_name="/characters")]
    assert made["id"] not in [each["id"] for each in bob.predict(api_name="/characters")]
