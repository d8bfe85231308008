"""Processes forked from one that has imported the program and done nothing yet.

Each is a process of its own, to be killed or to fail; but importing the program takes longer than
what most of them do.
"""

import importlib
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

# Some of it the program imports late; what cannot be imported early is simply imported later.
IMPORTED = (
    "app",
    "studio.durable",
    "tabs.shell",
    "tests.studio.kill_helper",
    "workflows.dub.flow",
    "workflows.talking_head.flow",
    "av",
    "babel.dates",
    "num2words",
    "onnxruntime",
    "scipy.cluster.hierarchy",
    "scipy.optimize",
    "scipy.signal",
    "soundfile",
    "soxr",
)


def processes() -> ForkServerContext:
    """Return what makes such processes."""
    context = get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def run_script(
    script: Path | str,
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
) -> subprocess.CompletedProcess[str]:
    """Run `python SCRIPT ARGUMENTS`, or `python -m MODULE ARGUMENTS`, without a terminal.

    Raises:
        TimeoutExpired: if it takes longer; it is killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = (Path(folder) / "out", Path(folder) / "err")
        process = start_script(script, arguments, cwd=cwd, env=env, said=said)
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([str(script), *arguments], timeout_s)
        out, err = (each.read_text(encoding="utf-8") for each in said)
    return subprocess.CompletedProcess([str(script), *arguments], process.exitcode, out, err)


def start_script(
    script: Path | str,
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    said: tuple[Path, Path],
    fresh: bool = False,
) -> BaseProcess:
    """Start what `run_script` runs; what it says is added to two files.

    With `fresh` nothing is imported before it has its environment.
    """
    given = (str(script), list(arguments), str(cwd), dict(env), [str(each) for each in said])
    context = get_context("spawn") if fresh else processes()
    process = context.Process(target=_be, args=given)
    process.start()
    return process


def _be(script: str, arguments: list[str], cwd: str, env: dict[str, str], said: list[str]) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, path in enumerate(said, start=1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    if constants := sys.modules.get("huggingface_hub.constants"):
        importlib.reload(constants)  # they are of the environment
    sys.argv = [script, *arguments]
    if script.endswith(".py"):
        sys.path.insert(0, str(Path(script).parent))
        runpy.run_path(script, run_name="__main__")
    else:
        runpy.run_module(script, run_name="__main__", alter_sys=True)
