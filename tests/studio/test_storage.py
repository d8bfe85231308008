"""The store and the disk: real full disks, folders that cannot be written, names that bite."""

import os
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.artefacts import Artefact, Store
from studio.errors import NotFound, StorageFailed
from studio.library import export_name
from tests.studio.toy import ToyRequest, make_studio

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MiB of its own, which can be really full."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_fails_the_job_with_the_reason_and_earlier_steps_stay(small_disk):
    studio = make_studio(small_disk)
    job = studio.submit("toy", ToyRequest(fill_bytes=40 * MIB))
    job = studio.run_here(job.id, lambda _: None)
    assert (job.state, job.error_step) == ("failed", "Fill the disk")
    assert "is full" in job.error and "Free some space" in job.error
    assert not list(small_disk.glob("tmp/*"))
    studio.retry(job.id)
    studio.run_here(job.id, lambda _: None)
    said = [each.text for each in studio.events(job.id) if each.kind == "step"]
    assert len([text for text in said if text.startswith("Say each word")]) == 1


def test_a_disk_that_is_full_to_the_last_byte_is_told_too(small_disk):
    studio = make_studio(small_disk)
    job = studio.submit("toy", ToyRequest())
    ballast = small_disk / "ballast"
    fill_up(ballast)
    with pytest.raises(StorageFailed, match="full"):
        studio.submit("toy", ToyRequest())
    upload = small_disk.parent / "upload"
    upload.write_bytes(bytes(MIB))
    with pytest.raises(StorageFailed, match="is full"):
        studio.store.take_in(upload, "text/plain")
    ballast.unlink()
    assert studio.run_here(job.id, lambda _: None).state == "done"


def fill_up(path):
    """Write until the disk says that it is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert os.statvfs(path).f_bavail == 0


AS_NOBODY = """
    import os, sys
    from pathlib import Path
    from studio.artefacts import Store
    from studio.errors import StorageFailed
    from tests.studio.toy import make_studio
    folder, upload = Path(sys.argv[1]), Path(sys.argv[2])
    if os.geteuid() == 0:
        os.setgid(65534); os.setuid(65534)
    for attempt in (
        lambda: make_studio(folder / "new"), lambda: Store(folder).take_in(upload, "text/plain")
    ):
        try:
            attempt()
        except StorageFailed as error:
            sys.stdout.write(error.sentence + "\\n")
"""


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    folder, upload = tmp_path / "locked", tmp_path / "upload"
    folder.mkdir()
    upload.write_text("x")
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(each.stat().st_mode | 0o055)
    folder.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(AS_NOBODY), str(folder), str(upload)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert all("cannot be written (Permission denied)" in line for line in lines)


def test_what_is_kept_is_found_by_its_bytes_and_cannot_be_written(tmp_path):
    store = Store(tmp_path / "data")
    upload = tmp_path / "my talk.mp4"
    upload.write_bytes(b"abc")
    one, two = store.take_in(upload, "video/mp4"), store.take_in(upload, "video/mp4", "other.mp4")
    assert one == two and (one.name, two.name) == ("my talk.mp4", "other.mp4")
    assert one.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert store.path(one).read_bytes() == b"abc" == upload.read_bytes()
    assert store.path(one).stat().st_mode & 0o222 == 0
    assert not list((tmp_path / "data" / "tmp").iterdir())


def test_a_file_that_is_not_stored_is_not_found(tmp_path):
    with pytest.raises(NotFound, match=r"my\.mp4 is no longer stored"):
        Store(tmp_path).path(Artefact("0" * 64, "video/mp4", 1, "my.mp4"))


@given(st.text())
def test_an_export_name_is_one_safe_part_of_a_path(name):
    safe = export_name(Artefact("0" * 64, "video/mp4", 1, name), "video")
    assert safe not in {"", ".", ".."} and not safe.startswith(("-", "."))
    assert not set(safe) & set('/\\:\0\n\r"<>|?*') and len(safe.encode()) <= 255
    assert Path(safe).suffix


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("El niño 日本.mp4", "El niño 日本.mp4"),
        ("../../etc/passwd", "etcpasswd.mp4"),
        ("-rf.mp4", "rf.mp4"),
        ("a\nb\u202e.mp4", "ab.mp4"),
        ("", "video.mp4"),
    ],
)
def test_export_names_keep_what_people_wrote(name, safe):
    assert export_name(Artefact("0" * 64, "video/mp4", 1, name), "video") == safe
