"""The Engine Room: what this machine has, which engines and voices there are, and what they cost."""

import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr
import psutil

from engines import catalog
from engines.catalog import Entry, Voice, qualities
from engines.role_titles import ROLES
from media.languages import language_name
from studio.holdings import Holdings
from studio.studio import Studio
from studio.timings import Timing, machine
from tabs.parts import weights
from tabs.parts.border import border, member_of
from tabs.parts.cards import clock, size
from tabs.parts.page import ACT, QUIET, Page
from tabs.parts.preflight import USES

TITLE = "Engine Room"
ORDER = 100
LANGUAGES_SHOWN = 6
MEASURED = (
    '<p class="empty">Nothing was measured yet. After the first job, this table says how fast every '
    "step is on this machine, and jobs know when they will be done.</p>"
)


def render(page: Page) -> None:
    """Draw the tab; it looks at the machine whenever it is opened."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300):
            here = gr.HTML("", elem_id="engine-room-machine")
            with gr.Row(elem_classes="acts"):
                look = gr.Button("Look again", size="md", elem_id="engine-room-look")
                free = gr.Button("Free the cache", size="md", elem_id="engine-room-free")
                drop = gr.Button("Free the memory", size="md", elem_id="engine-room-drop")
            timings = gr.HTML(MEASURED, elem_id="engine-room-timings")
        with gr.Column(scale=7, min_width=300):
            gr.HTML('<h2 class="section">Engines</h2>')
            _offer_weights(page)
            engines = gr.HTML("", elem_id="engine-room-engines")
            voices = gr.HTML("", elem_id="engine-room-voices")
    outputs = [here, timings, engines, voices]

    def view(studio: Studio) -> list[str]:
        return [
            machine_card(studio),
            timing_table(studio.timings.all(), titles(studio)),
            engine_list(catalog.entries().values()),
            voice_table(catalog.voices().values()),
        ]

    @border
    def open_tab(event: gr.SelectData) -> Sequence[Any]:
        return view(page.studio) if event.value == TITLE else [gr.update() for _ in outputs]

    @border
    def look_again() -> list[str]:
        return view(page.studio)

    @border
    def free_cache(request: gr.Request) -> list[str]:
        member_of(request)
        gr.Info(f"{size(page.studio.collector.free())} are free again.", title="Freed")
        return view(page.studio)

    @border
    def free_memory(request: gr.Request) -> list[str]:
        member_of(request)
        freed = page.studio.keeper.free() if page.studio.keeper else 0
        gr.Info(f"{size(freed)} of memory are free again.", title="Freed")
        return view(page.studio)

    page.tabs.select(open_tab, None, outputs, **QUIET)
    look.click(look_again, None, outputs, **ACT)
    free.click(free_cache, None, outputs, **ACT)
    drop.click(free_memory, None, outputs, **ACT)


def _offer_weights(page: Page) -> None:
    """Draw and wire the choice of a quality, and the button that fetches its weights."""
    with gr.Row():
        wanted = gr.Dropdown(
            [("Automatic", ""), *((each.capitalize(), each) for each in qualities())],
            value="",
            label="Quality",
            info="What its engines lack can be fetched here, once",
            elem_id="engine-room-quality",
        )
        bring = gr.Button("", size="sm", elem_id="engine-room-fetch", visible=False)

    def absent(quality: str) -> Sequence[Entry]:
        return weights.absent(list(page.studio.workflows.values()), quality)

    @border
    def price(quality: str) -> Any:
        return weights.offer(absent(quality))

    @border
    def fetch(quality: str, request: gr.Request) -> None:
        weights.fetch(page.studio, absent(quality), member_of(request))

    wanted.change(price, wanted, bring, **QUIET)
    page.window.load(price, wanted, bring, **QUIET)
    bring.click(fetch, wanted, None, **ACT)


def machine_card(studio: Studio) -> str:
    """Return processor, memory, disk and queue as HTML."""
    memory, process = psutil.virtual_memory(), psutil.Process(os.getpid()).memory_info().rss
    usage, health = studio.collector.usage(), studio.health()
    counts = ", ".join(f"{count} {state}" for state, count in health.jobs.items() if count)
    facts = [
        ("Machine", machine()),
        ("Memory", f"{size(memory.available)} free of {size(memory.total)}"),
        ("The studio takes", size(process)),
        ("Disk", f"{size(usage.free_bytes)} free"),
        ("Results and uploads", size(usage.needed_bytes)),
        ("Cache of finished steps", size(usage.cache_bytes)),
        ("Jobs", counts or "none"),
        ("Up for", clock(health.uptime_s)),
    ]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    held = memory_facts(studio.keeper.holdings()) if studio.keeper else ""
    return f'<h2 class="section">This machine</h2><dl class="facts">{rows}{held}</dl>'


def memory_facts(held: Holdings) -> str:
    """Return what is in memory, the budgets, and how weights travel, as rows of HTML."""
    host = f"{size(held.host_bytes)} of {size(held.host_budget_bytes)}"
    facts = [("Engines in memory", host)]
    if not held.in_place:
        room = f"{size(held.device_bytes)} of {size(held.device_budget_bytes)}"
        pinned = f"{size(held.pinned_bytes)} pinned" if held.pinned_bytes else held.pinning
        facts += [(f"On {held.device}", room), ("Fast transfers", pinned)]
    for each in held.engines:
        where = f"{size(each.host_bytes)} in memory, {size(each.device_bytes)} on the device"
        facts.append((each.title, f"{where}{', at work' if each.lent else ''}"))
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)


def titles(studio: Studio) -> Mapping[str, str]:
    """Return step name -> what people call it."""
    return {step.name: step.title for each in studio.workflows.values() for step in each.steps}


def timing_table(timings: Sequence[Timing], titles: Mapping[str, str]) -> str:
    """Return what was learned of the steps as HTML, the slowest first."""
    if not timings:
        return MEASURED
    rows = (
        (
            f'{escape(titles.get(each.step, each.step))}<br><span class="small">{escape(each.engine)}</span>',
            f"{each.seconds_per_media_second:.3f} s",
            str(each.runs),
        )
        for each in timings
    )
    table = _table(("Step", "A second of film takes", "Runs"), rows, "plain numbers")
    return _fold("How fast the steps are", f"{len(timings)} measured", table)


def engine_list(engines: Iterable[Entry]) -> str:
    """Return every engine as HTML, by role: what it is, its licence, and what it lacks here."""
    by_role: dict[str, list[Entry]] = {}
    for each in engines:
        by_role.setdefault(each.role, []).append(each)
    order = [*(role for role in ROLES if role in by_role), *sorted(by_role.keys() - ROLES.keys())]
    return "".join(_role(ROLES.get(role, role), by_role[role]) for role in order)


def _role(title: str, engines: Sequence[Entry]) -> str:
    """Return a role's engines, folded: those that are here first."""
    cards = sorted((bool(each.missing()), _engine(each)) for each in engines)
    missing = sum(lacking for lacking, _ in cards)
    told = [f"{len(cards) - missing} here", f"{missing} missing" if missing else ""]
    return _fold(title, " · ".join(filter(None, told)), "".join(card for _, card in cards))


def _fold(title: str, told: str, inside: str) -> str:
    """Return HTML that is seen when its title is clicked; `told` stands beside it."""
    return (
        f'<details class="role"><summary><h3>{escape(title)}</h3>'
        f'<span class="small">{escape(told)}</span></summary>{inside}</details>'
    )


def voice_table(voices: Iterable[Voice]) -> str:
    """Return every built-in voice as HTML."""
    rows = (
        (
            escape(each.title),
            escape(spoken(each.languages)),
            f"{each.pitch_hz:.0f} Hz" if each.pitch_hz else "",
            escape(each.about),
        )
        for each in sorted(voices, key=lambda voice: (voice.languages, voice.title))
    )
    table = _table(("Voice", "Speaks", "Pitch", "About"), rows)
    return _fold("Voices", f"{len(catalog.voices())} built in", table)


def spoken(languages: Sequence[str]) -> str:
    """Return languages by name; of many, the first and how many more."""
    if len(languages) <= LANGUAGES_SHOWN:
        return ", ".join(map(language_name, languages))
    first = ", ".join(map(language_name, languages[: LANGUAGES_SHOWN - 1]))
    return f"{first} and {len(languages) - LANGUAGES_SHOWN + 1} more"


def _engine(engine: Entry) -> str:
    lacking = engine.missing()
    badge = '<span class="badge done">Here</span>'
    if lacking:
        badge = '<span class="badge waiting">Missing</span>'
    licence = escape(engine.licence)
    if engine.licence_url.startswith("https://"):
        licence = (
            f'<a href="{escape(engine.licence_url)}" target="_blank" rel="noreferrer">{licence}</a>'
        )
    use = USES[engine.commercial]
    here = engine.held()
    if here is not None and here.bytes:
        use += f" · weights: {size(here.bytes)}"
    wants = "".join(
        f'<p class="lack">Without {escape(each.what)}: <code>{escape(each.remedy)}</code></p>'
        for each in lacking
    )
    tongues = spoken(engine.languages)
    speaks = f'<p class="small">{escape(tongues)}</p>' if tongues else ""
    return (
        f'<article class="engine"><div class="engine-head"><b>{escape(engine.title)}</b>{badge}</div>'
        f"<p>{escape(engine.about)}</p>{speaks}"
        f'<p class="small">{licence} · {use}</p>{wants}</article>'
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "plain") -> str:
    """Return a table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
