"""The catalog: which engines and voices there are, what they need, and which serves a job.

Reads `presets/`, and the folders of `UNDERSTUDY_PRESETS_DIR` beside it, which are laid out the same;
imports an engine only to make one. A preset's file name is its id.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from engines.role_titles import lack
from engines.roles import OWN, BuiltInVoice
from engines.weights import UNKNOWN, Held, Weights, folder, held, own_folders
from media.languages import language_name
from studio.errors import BadPreset, MissingWeights
from studio.keys import digest
from studio.settings import load_settings
from studio.weights import size
from studio.workflow import Need

PROJECT = Path(__file__).parents[1]
PRESETS = PROJECT / "presets"
SHARE = "{share}/"
MOST_TOLD = 6  # languages that a reason names
SPECIALIST_LANGUAGES = 2  # an engine of so few is one of several that share a role


@dataclass(frozen=True, slots=True)
class Missing:
    """What an engine needs and this machine has not, and how to get it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What must be on the machine."""

    cuda: bool = False
    network: bool = False  # asks a server when it works
    memory_gb: float = 0.0  # of the GPU where `cuda` is, which has at least so much then
    programs: tuple[str, ...] = ()  # found on PATH
    files: tuple[str, ...] = ()  # found on disk, glob patterns allowed; {share}: `own_folders()`
    packages: tuple[str, ...] = ()  # importable, by module name
    group: str = ""  # of pyproject.toml's optional dependencies, that brings the packages
    platforms: tuple[str, ...] = ()  # "linux", "linux-x86_64", "darwin-arm64"; empty: any
    debian: tuple[str, ...] = ()  # packages that bring the programs and files
    remedy: str = ""  # how to get the files, where no package brings them


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of `presets/engines/`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    role: str  # a Protocol of engines.roles
    title: str
    target: str  # "package.module:Class"
    revision: str  # raised when its output changes: part of every key
    licence: str  # SPDX id, or the licence's own name
    licence_url: str = ""
    commercial: bool | Literal["unknown"] = "unknown"
    about: str = ""  # one honest sentence of what it does and how well
    source: str = ""  # paper or repository of the method and its weights
    languages: tuple[str, ...] = ()  # ISO 639-1; empty: any, or asked by `pairs`
    capabilities: tuple[str, ...] = ()
    needs: Needs = field(default_factory=Needs)
    smaller: str = ""  # id of the engine that may take over where this one does not fit
    weights: Weights | None = None  # None: everything comes with its packages
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    from_settings: Mapping[str, str] = field(  # those the user sets for the whole studio
        default_factory=dict[str, str]  # name -> field of `studio.settings.Settings`
    )

    def missing(self) -> tuple[Missing, ...]:
        """Return what this machine lacks for it; empty: it can run."""
        lacking = _missing(self.needs)
        if self.weights is not None and (here := self.held()) and here.state != "present":
            lacking.append(_missing_weights(self, self.weights, here))
        given = self.given()
        unset = [field for name, field in self.from_settings.items() if not given[name]]
        lacking += [_missing_setting(each) for each in unset]
        if self.needs.network and load_settings().offline:
            lacking.append(Missing("the network", "unset UNDERSTUDY_OFFLINE"))
        return tuple(lacking)

    def given(self) -> dict[str, Any]:
        """Return its settings, with those that the user sets for the whole studio."""
        if not self.from_settings:
            return dict(self.settings)
        ours = load_settings()
        return {
            **self.settings,
            **{name: getattr(ours, field) for name, field in self.from_settings.items()},
        }

    def held(self) -> Held | None:
        """Return how much of its weights is here; None: it has none."""
        return None if self.weights is None else held(self.weights)

    def identity(self) -> str:
        """Return what its output depends on, as a digest for keys."""
        parts = self.weights.parts() if self.weights else ()
        taken = [folder(each).name for each in parts if each.revision == UNKNOWN]  # commits
        return digest([self.id, self.target, self.revision, self.weights, self.given(), taken])

    def build(self, weights: Path | None = None) -> Any:
        """Import the class and make one; cheap, nothing is loaded yet.

        Args:
            weights: the folder of its weights, if it is not the usual one; those beside them lie
                in folders of it, by their names.

        Raises:
            BadPreset: if there is no such class, or it refuses its settings.
        """
        module, _, name = self.target.partition(":")
        settings = self.given()
        if self.weights is not None:
            settings["weights"] = weights or folder(self.weights)
            for setting, beside in self.weights.beside.items():
                settings[setting] = weights / setting if weights else folder(beside)
        try:
            return getattr(import_module(module), name)(**settings)
        except (ImportError, AttributeError, TypeError) as error:
            raise BadPreset(f"engine {self.id!r} cannot be made: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One file of `presets/voices/`: a voice that an engine has built in."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    title: str
    engine: str  # id of a Speaker engine
    name: str  # what that engine calls it
    languages: tuple[str, ...]  # ISO 639-1
    locale: str = ""  # "en-GB"
    pitch_hz: float = 0.0  # median, measured on its own sample
    about: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which engine serves a need, or why none does."""

    need: Need
    engine: Entry | None
    why: str  # one sentence
    passed: tuple[str, ...] = ()  # those that the preset would rather have, and why not


def presets(kind: str) -> list[Path]:
    """Return the files of `kind` ("engines", "quality", "voices"), the shipped ones first."""
    own = os.environ.get("UNDERSTUDY_PRESETS_DIR", "")
    roots = [PRESETS, *(Path(each).expanduser() for each in own.split(os.pathsep) if each)]
    return [path for root in roots for path in sorted((root / kind).glob("*.toml"))]


def entries(role: str = "", root: Path | None = None) -> dict[str, Entry]:
    """Return the engines of `role`, or all of them, by id; of `root` alone, if it is given."""
    paths = presets("engines") if root is None else sorted(root.glob("*.toml"))
    found = [_read(Entry, path) for path in paths]
    return {each.id: each for each in found if role in {"", each.role}}


def entry(id_: str, role: str = "") -> Entry:
    """Return one engine, of that role if one is given.

    Raises:
        BadPreset: if there is none of that id.
    """
    known = entries(role)
    if id_ not in known:
        raise BadPreset(f"no engine {id_!r}", remedy=f"Choose one of {', '.join(known)}.")
    return known[id_]


def voices(language: str = "") -> dict[str, Voice]:
    """Return the built-in voices that speak `language`, or all of them, by id."""
    found = [_read(Voice, path) for path in presets("voices")]
    return {each.id: each for each in found if not language or language in each.languages}


def built_in(engine: str, language: str) -> tuple[BuiltInVoice, ...]:
    """Return the voices of one Speaker engine for `language`: what its `voices` answers."""
    able = entry(engine)
    varies, has_rate = ("takes" in able.capabilities), ("rate" in able.capabilities)
    own = BuiltInVoice(OWN, OWN, "The speaker's own voice", 0.0, varies, has_rate)
    clones = "clone" in able.capabilities and language in (able.languages or (language,))
    return (own,) * clones + tuple(
        BuiltInVoice(each.id, each.name, each.title, each.pitch_hz, varies, has_rate)
        for each in voices(language).values()
        if each.engine == engine
    )


def qualities() -> tuple[str, ...]:
    """Return the names of the quality presets."""
    return tuple(sorted({path.stem for path in presets("quality")}))


def default_quality() -> str:
    """Return the quality for this machine.

    `balanced` where a GPU and its engines' weights are here, else `laptop` where its weights are,
    else `draft`, which needs none.
    """
    if has_cuda() and is_ready("balanced"):
        return "balanced"
    return "laptop" if is_ready("laptop") else "draft"


def is_ready(name: str) -> bool:
    """Tell whether a quality's engines are here: of each role that lists some with weights, one."""
    if name not in qualities():
        return False
    known = entries()
    listed = [
        [e for e in (known[id_] for id_ in ids if id_ in known) if e.weights and _suits(e.needs)]
        for ids in quality(name).values()
    ]
    return any(listed) and all(any(not e.missing() for e in some) for some in listed if some)


def quality(name: str) -> Mapping[str, Sequence[str]]:
    """Return, for each role, the engines of that quality in order of preference.

    What own presets add to a shipped quality of the same name comes before what is shipped.

    Raises:
        BadPreset: if there is none of that name.
    """
    files = [path for path in presets("quality") if path.stem == name]
    if not files:
        raise BadPreset(f"no quality {name!r}", remedy=f"Choose {', '.join(qualities())}.")
    found: dict[str, list[str]] = {}
    for path in files:
        lists = TypeAdapter(dict[str, list[str]]).validate_python(_toml(path).get("engines", {}))
        for role, ids in lists.items():
            found[role] = list(dict.fromkeys([*ids, *found.get(role, [])]))
    return found


def with_weights(roles: Iterable[str], quality_name: str) -> tuple[Entry, ...]:
    """Return the engines whose weights that quality wants for those roles, in the roles' order.

    Of each role it is the first that suits this kind of machine, and before it those that know a
    language or two only, since they share the role.

    Raises:
        BadPreset: if there is no such quality.
    """
    preset, known = quality(quality_name or default_quality()), entries()
    found: list[Entry] = []
    for role in dict.fromkeys(roles):
        for each in (known[id_] for id_ in preset.get(role, ()) if id_ in known):
            if each.weights is None or not _suits(each.needs):
                continue
            found.append(each)
            if not 1 <= len(each.languages) <= SPECIALIST_LANGUAGES:
                break
    return tuple(found)


def wanted(needs: Sequence[Need], quality_name: str) -> tuple[Entry, ...]:
    """Return the engines whose weights that quality wants for those needs, be they here or not.

    Of each need it is the first that suits this kind of machine and knows the languages; none, if
    that one came with the packages.

    Raises:
        BadPreset: if there is no such quality.
    """
    preset, known = quality(quality_name or default_quality()), entries()
    found: dict[str, Entry] = {}
    for need in needs:
        ids = [need.engine] if need.engine else preset.get(need.role, ())
        able = (known[id_] for id_ in ids if id_ in known and known[id_].role == need.role)
        first = next((each for each in able if _suits(each.needs) and _could(each, need)), None)
        if first is not None and first.weights is not None:
            found[first.id] = first
    return tuple(found.values())


def choose(needs: Sequence[Need], quality_name: str) -> tuple[Choice, ...]:
    """Decide which engine serves each need: the first of the preset that is present and fits.

    Args:
        needs: what a request calls for; raises `BadPreset` where an engine it names is not known.
        quality_name: a quality preset; empty: what suits this machine.
    """
    preset, known = quality(quality_name or default_quality()), entries()
    wanted = [[entry(n.engine, n.role).id] if n.engine else preset.get(n.role, ()) for n in needs]
    return tuple(
        _choose(need, [known[id_] for id_ in ids if id_ in known and known[id_].role == need.role])
        for need, ids in zip(needs, wanted, strict=True)
    )


def engines_for(needs: Sequence[Need], quality_name: str) -> dict[str, str]:
    """Return role -> engine id for a job.

    Raises:
        MissingWeights: if a need that is not optional is served by none; it says why and what to do.
    """
    chosen: dict[str, str] = {}
    for choice in choose(needs, quality_name):
        if choice.engine is not None:
            chosen[choice.need.role] = choice.engine.id
        elif not choice.need.optional:
            remedy = f"{choice.need.instead} See the Engine Room, or ./run.sh doctor.".lstrip()
            raise MissingWeights(choice.why, remedy=remedy)
    return chosen


def any_on_gpu(engines: Iterable[str]) -> bool:
    """Tell whether one of those engines works on the GPU."""
    return any(entry(each).needs.cuda for each in engines)


def _choose(need: Need, candidates: Sequence[Entry]) -> Choice:
    reasons: list[str] = []
    for each in candidates:
        refusal = _refusal(each, need)
        if not refusal:
            return Choice(need, each, f"{each.title} will do it.", tuple(reasons))
        reasons.append(f"{each.title}: {refusal}")
    why = "; ".join(reasons) or "this quality has none"
    return Choice(need, None, f"{lack(need)} ({why})")


def _refusal(candidate: Entry, need: Need) -> str:
    if lacking := candidate.missing():
        return ", ".join(f"{each.what} is missing ({each.remedy})" for each in lacking)
    if need.language and candidate.languages and need.language not in candidate.languages:
        if len(candidate.languages) > MOST_TOLD:
            return f"does not know {language_name(need.language)}"
        return f"knows {', '.join(map(language_name, candidate.languages))} only"
    if need.target_language:
        pairs: frozenset[tuple[str, str]] = candidate.build().pairs()
        near = {b for a, b in pairs if need.language in {a, ""}}
        if need.target_language not in near:
            known = ", ".join(sorted(map(language_name, near))[:MOST_TOLD]) or "nothing"
            return f"translates that into {known}{' and more' * (len(near) > MOST_TOLD)}"
    return ""


def _could(candidate: Entry, need: Need) -> bool:
    """Tell whether an engine knows a need's languages, as far as its preset alone can tell."""
    target = candidate.settings.get("target", need.target_language)
    speaks = not need.language or not candidate.languages or need.language in candidate.languages
    return speaks and (not need.target_language or target == need.target_language)


def _missing(needs: Needs) -> list[Missing]:
    apt = f"apt-get install {' '.join(needs.debian)}" if needs.debian else needs.remedy
    apt = apt or "see its documentation"
    found = [Missing(f"the program {p}", apt) for p in needs.programs if not shutil.which(p)]
    found += [Missing(f"the file {f}", apt) for f in needs.files if not _present(f)]
    found += [
        Missing(f"the Python package {p}", _bringing(p, needs))
        for p in needs.packages
        if not _importable(p)
    ]
    if not _on_platform(needs):
        found.append(Missing(f"a machine of {' or '.join(needs.platforms)}", "use another engine"))
    if needs.cuda and not has_cuda():
        found.append(Missing("an NVIDIA GPU", "run on a machine that has one"))
    elif not _has_room(needs):
        found.append(Missing(f"a GPU with {needs.memory_gb:g} GB", "use another engine"))
    return found


def _importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of "a.b", not even "a" is there
        return False


def _missing_setting(name: str) -> Missing:
    variable = f"UNDERSTUDY_{name.upper()}"
    return Missing(f"the setting {variable}", f"set {variable}")


def _missing_weights(engine: Entry, weights: Weights, here: Held) -> Missing:
    much = f"{size(here.to_fetch_bytes)} of " if here.to_fetch_bytes else ""
    terms = ", whose terms must be accepted first" if weights.gated else ""
    part = "the rest of its weights" if here.state == "partial" else "its weights"
    return Missing(
        f"{part} ({much}{weights.repo}{terms})", f"./run.sh weights --engine {engine.id}"
    )


def _bringing(package: str, needs: Needs) -> str:
    """Return the command that brings a Python package into this project's environment."""
    group = needs.group or _groups().get(package.replace("_", "-").lower(), "")
    if group:
        return f"UNDERSTUDY_EXTRAS={group} ./run.sh doctor"
    return f"{Path(sys.executable)} -m pip install {package.replace('_', '-')}"


@cache
def _groups() -> Mapping[str, str]:
    """Return package -> the optional group of pyproject.toml that brings it."""
    extras = _toml(PROJECT / "pyproject.toml")["project"]["optional-dependencies"]
    return {
        re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower(): group
        for group, lines in extras.items()
        for line in lines
        if group != "test"
    }


def _suits(needs: Needs) -> bool:
    """Tell whether this kind of machine, and its GPU if it has one, are fit for it."""
    return _on_platform(needs) and _has_room(needs)


def _has_room(needs: Needs) -> bool:
    return not needs.cuda or not 0 < gpu_memory_gb() < needs.memory_gb


def _on_platform(needs: Needs) -> bool:
    here = f"{sys.platform}-{platform.machine()}".lower()
    return not needs.platforms or here.startswith(needs.platforms)


def _present(pattern: str) -> bool:
    if pattern.startswith(SHARE):
        return any(any(at.glob(pattern.removeprefix(SHARE))) for at in own_folders())
    path = Path(pattern)
    return any(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))


def has_cuda() -> bool:
    """Tell whether there is an NVIDIA GPU."""
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()


@cache
def gpu_memory_gb() -> float:
    """Return the memory of the largest NVIDIA GPU; 0 where nobody tells it."""
    asked = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout
        return max(float(line) for line in told.split("\n") if line) / 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0.0


def _read(kind: type[Any], path: Path) -> Any:
    """Return what a preset says; it is read again only when its file changed."""
    try:
        told = path.stat()
    except OSError as error:
        raise BadPreset(f"{path.name}: {error}") from error
    return _parsed(kind, path, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=1024)
def _parsed(kind: type[Any], path: Path, _mtime_ns: int, _size: int) -> Any:
    try:
        return _adapter(kind).validate_python({"id": path.stem, **_toml(path)})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadPreset(f"{path.name}: {where}: {first['msg']}") from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)  # slow to make


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadPreset(f"{path.name}: {error}") from error
