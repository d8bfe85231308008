"""The window: every tab of this folder under one mark, served with safe settings.

A tab is a module here with `TITLE`, `ORDER` and `render(page)`; being here makes it one.
"""

import logging
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI

import tabs
from studio.studio import Studio
from tabs.parts import api, look, monitoring
from tabs.parts.page import Page

log = logging.getLogger(__name__)
TICK_S = 1.0
KEEP_S = 86_400  # how long Gradio's own copies of uploads and previews are kept


def modules() -> list[ModuleType]:
    """Return the tabs in their order."""
    found = (import_module(f"{tabs.__name__}.{each.name}") for each in iter_modules(tabs.__path__))
    return sorted((each for each in found if hasattr(each, "render")), key=lambda tab: tab.ORDER)


def build(studio: Studio) -> gr.Blocks:
    """Draw every tab."""
    with gr.Blocks(
        title="Understudy", delete_cache=(3600, KEEP_S), analytics_enabled=False
    ) as window:
        gr.HTML(look.MARK)
        timer = gr.Timer(TICK_S)
        with gr.Tabs(elem_id="tabs") as frame:
            page = Page(studio, frame, timer)
            for tab in modules():
                with gr.Tab(tab.TITLE, id=tab.TITLE.lower().replace(" ", "-")):
                    tab.render(page)
        api.declare(studio)
    return window


def application(studio: Studio) -> FastAPI:
    """Return the whole site: the window, its API and MCP tools, /health and /metrics."""
    settings = studio.settings
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    monitoring.add_routes(app, studio)
    window = build(studio).queue(default_concurrency_limit=8, max_size=256)
    users = list(settings.users().items())
    options: dict[str, Any] = {"auth": users} if users else {}
    settings.exports.mkdir(parents=True, exist_ok=True)
    return gr.mount_gradio_app(
        app,
        window,
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        footer_links=["api"],
        run_history=False,
        allowed_paths=[str(settings.exports)],
        blocked_paths=[
            str(settings.data_dir / name) for name in ("cas", "memory", "tmp", "logs", "studio.db")
        ],
        show_error=False,
        max_file_size=settings.max_upload_mb * 1_000_000,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=True,
        theme=look.theme(),
        css_paths=[look.CSS],
        **options,
    )


def serve(studio: Studio) -> None:
    """Serve the studio until it is stopped; the queue works meanwhile."""
    settings = studio.settings
    app = application(studio)
    studio.start()
    try:
        uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning")
    finally:
        studio.stop()
