"""The line table: every line of a dub with its times, texts and flags; a row is picked to be edited.

The rows go to the browser as data and through an escaping template: no text becomes markup.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import gradio as gr

TEMPLATE = """
<div class="lines" role="listbox" aria-label="Lines: arrows move, Enter picks, O plays the original, D the dub, E edits">
{{#each value.rows}}
<button type="button" role="option" class="line {{this.kind}}" data-id="{{this.id}}"
  aria-selected="{{this.picked}}">
  <span class="line-head"><span class="line-time">{{this.time}}</span>
  <span class="line-who">{{this.who}}</span>
  <span class="line-marks">{{this.marks}}</span></span>
  <span class="line-text" lang="{{../value.source}}">{{this.text}}</span>
  <span class="line-said" lang="{{../value.target}}">{{this.said}}</span>
</button>
{{/each}}
</div>
"""

SCRIPT = """
let held = '';  // the row that had the focus: a new table gives it back
const rows = () => [...element.querySelectorAll('.line')];
const pick = (row) => {
  rows().forEach((each) => each.setAttribute('aria-selected', String(each === row)));
  trigger('select', { id: row.dataset.id });
  const panel = document.querySelector('PANEL');  // below the table, where there is no room beside it
  if (panel?.getBoundingClientRect().top >= element.getBoundingClientRect().bottom)
    setTimeout(() => panel.scrollIntoView({ behavior: 'smooth', block: 'start' }), 400);
};
const step = (row, event) => {
  const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
  const button = { o: 'ORIGINAL', d: 'MADE', e: 'FIELD' }[event.key];
  if (next) { next.focus(); event.preventDefault(); }
  else if (button && row.getAttribute('aria-selected') === 'true') {
    const found = document.querySelector(button);
    if (event.key === 'e') { found?.focus(); event.preventDefault(); } else found?.click();
  }
};
const bind = () => {
  rows().forEach((row) => {
    if (row.dataset.bound) return;
    row.dataset.bound = 'yes';
    row.addEventListener('click', () => pick(row));
    row.addEventListener('focus', () => { held = row.dataset.id; });
    row.addEventListener('keydown', (event) => step(row, event));
  });
  if (held && document.activeElement === document.body)
    rows().find((row) => row.dataset.id === held)?.focus({ preventScroll: true });
};
bind();
watch('value', bind);
new MutationObserver(bind).observe(element, { childList: true, subtree: true });
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line as it is shown."""

    id: str
    time: str
    who: str
    marks: str  # speed, lock, flag
    text: str
    said: str
    kind: str  # CSS classes: "flagged", "changed"
    picked: str  # "true" or "false"


@dataclass(frozen=True, slots=True)
class Rows:
    """The whole table."""

    rows: tuple[Row, ...]
    source: str  # languages, for the browser's voice and hyphens
    target: str


@dataclass(frozen=True, slots=True)
class Around:
    """The elements beside a table that its keys reach, as the browser finds them."""

    panel: str = "#line-panel"
    original: str = "#line-original"  # a button: O
    made: str = "#line-dub"  # a button: D
    field: str = "#line-translation textarea"  # E


def line_table(elem_id: str = "dub-lines", around: Around = Around()) -> gr.HTML:
    """Draw the table; its `select` event carries the id of the picked line."""
    names = {"PANEL": around.panel, "ORIGINAL": around.original}
    names |= {"MADE": around.made, "FIELD": around.field}
    script = SCRIPT
    for name, element in names.items():
        script = script.replace(name, element)
    return gr.HTML(
        shown(Rows((), "", "")),
        html_template=TEMPLATE,
        js_on_load=script,
        elem_id=elem_id,
        container=False,
    )


def shown(rows: Rows) -> Mapping[str, object]:
    """Return `rows` as the browser's template takes them."""
    return asdict(rows)


def clock(time_s: float) -> str:
    """Return a time as people read it: 1:02.3."""
    minutes, seconds = divmod(max(0.0, time_s), 60)
    return f"{int(minutes)}:{seconds:04.1f}"
