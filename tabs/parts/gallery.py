"""Cards to pick one from, each with a picture or a button to listen; everything is escaped by the template."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import gradio as gr

TEMPLATE = """
<div class="picks" role="group" aria-label="{{value.label}}">
{{#each value.cards}}
<div class="pick">
<button type="button" class="pick-choose" data-act="choose" data-id="{{this.id}}"
  aria-pressed="{{this.chosen}}">
  {{#if this.picture}}<img src="{{this.picture}}" alt="" width="88" height="88">{{/if}}
  <span class="pick-title">{{this.title}}</span>
  <span class="pick-about">{{this.about}}</span>
</button>
{{#if this.listen}}<button type="button" class="pick-listen" data-act="listen" data-id="{{this.id}}"
  aria-label="Listen to {{this.title}}">▶ Listen</button>{{/if}}
</div>
{{/each}}
{{#unless value.cards}}<p class="hint">{{value.nothing}}</p>{{/unless}}
</div>
"""

SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-act]');
  if (!button) return;
  if (button.dataset.act === 'choose') element.querySelectorAll('.pick-choose').forEach((each) =>
    each.setAttribute('aria-pressed', String(each === button)));
  trigger('select', { act: button.dataset.act, id: button.dataset.id });
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One thing to pick."""

    id: str
    title: str
    about: str = ""
    picture: str = ""  # an address
    listen: bool = False
    chosen: str = "false"


def gallery(label: str, nothing: str, elem_id: str) -> gr.HTML:
    """Draw a gallery; its `select` event carries `act` ("choose", "listen") and `id`.

    Args:
        label: what a screen reader calls it.
        nothing: what stands there while it is empty.
        elem_id: of the element.
    """
    return gr.HTML(
        shown(label, nothing, ()),
        html_template=TEMPLATE,
        js_on_load=SCRIPT,
        elem_id=elem_id,
        container=False,
    )


def shown(label: str, nothing: str, cards: Sequence[Card]) -> dict[str, object]:
    """Return the cards as the browser's template takes them."""
    return {"label": label, "nothing": nothing, "cards": [asdict(each) for each in cards]}
