"""The line table: every line of a dub with its times, texts and flags; a row is picked to be edited.

The rows go to the browser as data and through an escaping template: no text becomes markup.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import gradio as gr

TEMPLATE = """
<div class="lines" role="listbox" aria-label="Lines" tabindex="-1">
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

CSS = """
.lines { display: flex; flex-direction: column; gap: 6px; max-height: 62vh; overflow-y: auto; padding: 2px; }
.line { display: grid; gap: 2px; text-align: left; padding: 10px 12px; border-radius: 10px; cursor: pointer;
  border: 1px solid var(--border-color-primary); background: var(--background-fill-primary);
  color: var(--body-text-color); font: inherit; width: 100%; }
.line:hover { border-color: var(--color-accent); }
.line:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 1px; }
.line[aria-selected="true"] { border-color: var(--color-accent); box-shadow: inset 3px 0 0 var(--color-accent); }
.line-head { display: flex; flex-wrap: wrap; gap: 8px; font-size: 12px; color: var(--body-text-color-subdued); }
.line-time { font-variant-numeric: tabular-nums; }
.line-who { font-weight: 600; }
.line-marks { margin-left: auto; font-variant-numeric: tabular-nums; }
.line.flagged .line-marks { color: var(--error-text-color, #b3261e); font-weight: 600; }
.line.changed { border-style: dashed; border-color: var(--color-accent); }
.line-text { color: var(--body-text-color-subdued); font-size: 14px; }
.line-said { font-size: 15px; }
"""

SCRIPT = """
const bind = () => element.querySelectorAll('.line').forEach((row) => {
  row.addEventListener('click', () => trigger('select', { id: row.dataset.id }));
  row.addEventListener('keydown', (event) => {
    const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (next) { next.focus(); event.preventDefault(); }
  });
});
bind();
watch('value', bind);
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


def line_table() -> gr.HTML:
    """Draw the table; its `select` event carries the id of the picked line."""
    return gr.HTML(
        shown(Rows((), "", "")),
        html_template=TEMPLATE,
        css_template=CSS,
        js_on_load=SCRIPT,
        elem_id="dub-lines",
        container=False,
    )


def shown(rows: Rows) -> Mapping[str, object]:
    """Return `rows` as the browser's template takes them."""
    return asdict(rows)


def clock(time_s: float) -> str:
    """Return a time as people read it: 1:02.3."""
    minutes, seconds = divmod(max(0.0, time_s), 60)
    return f"{int(minutes)}:{seconds:04.1f}"
