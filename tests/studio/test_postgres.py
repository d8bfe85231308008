"""Two machines, one queue: two real processes on a real Postgres, where one is installed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from studio.database import TIMINGS
from studio.timings import machine
from tests.studio.toy import ToyRequest, make_studio

ROOT = Path(__file__).parents[2]
WORKER = """
import sys, time
from pathlib import Path
from tests.studio.toy import make_studio
studio = make_studio(Path(sys.argv[1]), database_url=sys.argv[2], worker=sys.argv[3])
studio.start()
while not studio.health().working:
    time.sleep(0.05)
print("ready", flush=True)
sys.stdin.read()
studio.stop()
"""


@pytest.fixture
def postgres(tmp_path):
    """The address of a database server of this test's own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = shutil.which("postgres") or (str(programs[-1]) if programs else "")
    if not found:
        pytest.skip("Postgres is not installed here")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    initdb = [str(Path(found).with_name("initdb")), "-D", str(folder), "-A", "trust", "-U", "me"]
    subprocess.run(initdb, user=user, check=True, capture_output=True, cwd="/")
    serve = [found, "-D", str(folder), "-p", port, "-k", str(folder), "-h", "127.0.0.1"]
    server = subprocess.Popen(serve, user=user, stderr=subprocess.PIPE, text=True, cwd="/")
    for line in server.stderr:
        if "ready to accept connections" in line:
            break
    yield f"postgresql://me@127.0.0.1:{port}/postgres"
    server.send_signal(signal.SIGINT)  # fast: it does not wait for its clients
    server.communicate()
    shutil.rmtree(folder)


def test_two_workers_share_one_queue(tmp_path, postgres):
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), postgres, name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("one", "two")
    ]
    assert [each.stdout.readline() for each in workers] == [b"ready\n"] * 2
    studio = make_studio(tmp_path, database_url=postgres)
    jobs = [studio.submit("toy", ToyRequest(words=(f"word{n}",), pause_s=1.0)) for n in range(4)]
    ended = [list(studio.follow(job.id))[-1] for job in jobs]
    for each in workers:
        each.communicate()
    assert [job.state for job in ended] == ["done"] * 4
    assert {studio._jobs.row(job.id)["worker"] for job in jobs} == {"one", "two"}
    assert all(studio.store.has(studio.result(job.id).book) for job in jobs)


def test_two_workers_learn_the_same_for_the_first_time(tmp_path, postgres):
    timings = make_studio(tmp_path, database_url=postgres).timings
    row = {"machine": machine(), "step": "look", "engine": ""}
    row |= {"seconds": 4.0, "media_s": 2.0, "runs": 1}
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with timings.database.connect() as other, ThreadPoolExecutor() as pool:
        other.execute(sa.insert(TIMINGS).values(row))
        learned = pool.submit(timings.learn, "look", "", 6.0, 2.0)
        while not other.execute(waits).scalar():  # until it stands behind the other's row
            assert not learned.done()
            time.sleep(0.02)
        other.commit()
        learned.result()
    assert [(each.seconds_per_media_second, each.runs) for each in timings.all()] == [(8 / 3, 2)]
