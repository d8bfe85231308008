"""The window: every tab of this folder under one mark, served with safe settings."""

import logging
import os
import sys
from asyncio import CancelledError
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, cast

import gradio as gr
import uvicorn
from fastapi import Depends, FastAPI
from starlette.routing import Mount

import tabs
from studio.logs import to_file
from studio.settings import Settings
from studio.startup import keeping_everything
from studio.studio import Studio
from tabs.parts import api, look, monitoring
from tabs.parts.border import owner_of
from tabs.parts.going import destinations, go_to
from tabs.parts.guard import Door, file_guard
from tabs.parts.page import QUIET, Page
from tabs.parts.result import find

log = logging.getLogger(__name__)
LEAVE_S = 2
EVENTS_AT_ONCE, EVENTS_WAITING = 8, 256
# How often Gradio looks for events and for their progress. As it is, it does so a thousand times and
# a hundred times a second, which takes 7 % of a core; these are its own numbers for Windows.
EVENT_S, PROGRESS_S = 0.05, 0.1
LOOK_EVERY_S, KEEP_S = 3600, 86_400  # how long Gradio keeps its own copies of uploads
SECRETS = ("cas", "memory", "tmp", "trash", "logs", "studio.db", "studio.db-wal", "studio.db-shm")


def modules() -> list[ModuleType]:
    """Return the tabs in their order."""
    found = (import_module(f"{tabs.__name__}.{each.name}") for each in iter_modules(tabs.__path__))
    return sorted((each for each in found if hasattr(each, "render")), key=lambda tab: tab.ORDER)


def build(studio: Studio) -> gr.Blocks:
    """Draw every tab."""
    keep = (LOOK_EVERY_S, KEEP_S)
    with gr.Blocks(title=look.NAME, delete_cache=keep, analytics_enabled=False) as window:
        gr.HTML(look.masthead(), elem_id="masthead")
        if studio.settings.hf_oauth:
            gr.LoginButton(size="sm", elem_id="login")
        with gr.Tabs(elem_id="tabs") as frame:
            page = Page(studio, window, frame)
            for tab in modules():
                id_ = tab.TITLE.lower().replace(" ", "-")
                with gr.Tab(tab.TITLE, id=id_):
                    tab.render(replace(page, tab=id_))
        page.start_clock()
        _open_link(page)
        api.declare(studio)
    return window


def _open_link(page: Page) -> None:
    """Let `?job=ID` open that job in its tab, for whom it belongs to."""
    targets = destinations(page)

    def open_link(request: gr.Request) -> list[Any]:
        query = cast("Mapping[str, str]", request.query_params)
        asked = query.get("job", "")
        job = find(page.studio, asked, owner_of(request))
        return go_to(page, job, fill=False) if job else [gr.skip()] * len(targets)

    page.window.load(open_link, None, targets, **QUIET)


def application(studio: Studio) -> FastAPI:
    """Return the whole site: the window, its API and MCP tools, /health and /metrics."""
    settings = studio.settings
    settings.exports.mkdir(parents=True, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(settings.uploads)  # read when parts are made
    gr.set_static_paths([settings.exports])  # served from where they are: films are not copied
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Door, keeper=lambda: _gradio_of(app))
    monitoring.add_routes(app, studio)
    window = build(studio)
    _tune(window)
    gr.mount_gradio_app(
        app,
        window,
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        app_kwargs={"dependencies": [Depends(file_guard(studio))]},
        allowed_paths=[str(settings.exports), str(look.ASSETS)],
        blocked_paths=[str(settings.data_dir / name) for name in SECRETS],
        max_file_size=settings.max_upload_mb * 1_000_000,
        mcp_server=True,
        theme=look.theme(),
        css_paths=look.styles(),
        head=look.head(),
        **_plain(),
        **_login(settings),
    )
    window.has_launched = True  # else Gradio takes any path on this machine for an upload
    return app


def _tune(window: gr.Blocks) -> None:
    """Set up the queue that the window has: `Blocks.queue` would make all its routes once more."""
    queue = cast("Any", window)._queue
    queue.default_concurrency_limit, queue.max_size = EVENTS_AT_ONCE, EVENTS_WAITING
    queue.sleep_when_free, queue.progress_update_sleep_when_free = EVENT_S, PROGRESS_S


def _gradio_of(app: FastAPI) -> Any:
    """Return Gradio's app within ours: it knows who has logged in."""
    return next(each.app for each in app.routes if isinstance(each, Mount))


def serve(studio: Studio) -> None:
    """Serve the studio until it is stopped; the queue works meanwhile, and the log is written."""
    settings = studio.settings
    to_file(settings.logs)
    with keeping_everything():
        app = application(studio)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=LEAVE_S,  # open pages hold their connections for ever
    )
    logging.getLogger("uvicorn.error").addFilter(_worth_telling)
    socket = config.bind_socket()
    studio.start()
    try:
        if settings.port == 0:
            sys.stderr.write(f"The studio is on port {socket.getsockname()[1]}.\n")
        uvicorn.Server(config).run(sockets=[socket])
    finally:
        studio.stop()


def _worth_telling(record: logging.LogRecord) -> bool:
    """Tell whether a line of the server's log is news: that pages were left at the end is none."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, CancelledError) and "graceful" not in record.getMessage()


def _plain() -> dict[str, Any]:
    """Return what is switched off: details of errors, records of runs, a second server for pages."""
    return {
        "footer_links": ["api"],
        "run_history": False,
        "show_error": False,
        "ssr_mode": False,
        "enable_monitoring": False,
        "pwa": False,
        "favicon_path": str(look.ICON),
    }


def _login(settings: Settings) -> dict[str, Any]:
    users = list(settings.users().items())
    return {"auth": users, "auth_message": f"Log in to {look.NAME}"} if users else {}
