"""The page's clock, asked without a browser."""

import gradio as gr

from tabs.parts.page import Page


def test_the_clock_calls_those_that_have_news_and_makes_nothing_else_anew():
    def never(last, request: gr.Request):
        return gr.skip(), gr.skip()

    def when_old(last, request: gr.Request):
        return ("now", "new") if last == "old" else (gr.skip(), gr.skip())

    with gr.Blocks() as window:
        page = Page(None, window, gr.Tabs())
        seen, board, other, wall = gr.State(""), gr.HTML(""), gr.State(""), gr.HTML("")
        page.each_second(never, [seen], [seen, board])
        page.each_second(when_old, [other], [other, wall])
        page.start_clock()
    tick, follow, *calls = window.fns.values()
    assert len(tick.outputs) == 1  # whatever a tick returns, the browser makes it anew
    assert tick.fn(None, "3 5", "old", "old") == "3 6"
    assert tick.fn(None, "3 6", "old", "now") == "3 6"
    assert follow.fn is None and follow.targets == [(tick.outputs[0]._id, "change")]
    assert [each.outputs for each in calls] == [[seen, board], [other, wall]]
    assert [each.targets for each in calls] == [[(one._id, "change")] for one in follow.outputs]
