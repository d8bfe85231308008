"""A small hub on loopback, with the few endpoints that fetching weights asks for, and faults to order."""

import hashlib
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PIECE = 8192


@dataclass
class Hub:
    """What it holds, how it fails, and what it was asked."""

    repos: dict = field(default_factory=dict)  # "org/name" -> {path: bytes}
    small: set = field(default_factory=set)  # paths that are plain git files, not LFS
    commit: str = COMMIT
    gated: set = field(default_factory=set)
    token: str = "hf_right"  # noqa: S105 - of a hub that lives for a test
    cuts: int = 0  # so many answers are cut in the middle
    cut_at: int = 100_000  # bytes of an answer before its cut
    corrupt: set = field(default_factory=set)  # paths of which wrong bytes are sent
    ranges: bool = True
    sizes: bool = True  # whether it tells those of plain git files
    stall_at: int | None = None  # from that byte of a file nothing comes until this is None
    log: list = field(default_factory=list)  # (method, path, range)
    sent: int = 0  # bytes of files
    url: str = ""

    def gets(self, path=""):
        return [
            each
            for each in self.log
            if each[0] == "GET" and "/resolve/" in each[1] and path in each[1]
        ]


def _git_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def do_GET(self):
        hub, path = self.hub, unquote(urlsplit(self.path).path).strip("/")
        hub.log.append(("GET", f"/{path}", self.headers.get("Range", "")))
        parts = path.split("/")
        if parts[:2] == ["api", "models"]:
            return self._info("/".join(parts[2:4]), parts[5] if len(parts) > 5 else hub.commit)
        if len(parts) > 4 and parts[2] == "resolve":
            return self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self._refuse(404, "EntryNotFound")

    def _info(self, repo, revision):
        hub = self.hub
        if repo not in hub.repos:
            return self._refuse(404, "RepoNotFound")
        if revision not in {hub.commit, "main"}:
            return self._refuse(404, "RevisionNotFound")
        files = []
        for path, data in hub.repos[repo].items():
            about = {"rfilename": path, "blobId": _git_id(data)}
            about |= {"size": len(data)} if hub.sizes else {}
            if path not in hub.small:
                sha = hashlib.sha256(data).hexdigest()
                about["lfs"] = {"size": len(data), "sha256": sha, "pointerSize": 130}
            files.append(about)
        body = json.dumps(
            {"id": repo, "modelId": repo, "sha": hub.commit, "siblings": files}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def _file(self, repo, revision, path):
        hub = self.hub
        if repo in hub.gated and self.headers.get("Authorization") != f"Bearer {hub.token}":
            code = 403 if self.headers.get("Authorization") else 401
            return self._refuse(code, "GatedRepo", f"Access to model {repo} is restricted.")
        data = hub.repos.get(repo, {}).get(path)
        if data is None or revision != hub.commit:
            return self._refuse(404, "EntryNotFound")
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted and hub.ranges else 0
        if start and start >= len(data):
            return self._refuse(416, "RangeNotSatisfiable")
        if path in hub.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", hub.commit)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self._send(data, start)
        return None

    def _send(self, data, start):
        hub = self.hub
        cut = hub.cuts > 0
        hub.cuts -= cut
        for at in range(start, len(data), PIECE):
            while hub.stall_at is not None and at >= hub.stall_at:
                time.sleep(0.02)
            if cut and at - start >= hub.cut_at:
                self.close_connection = True
                self.connection.close()
                return
            piece = data[at : at + PIECE]
            self.wfile.write(piece)
            hub.sent += len(piece)

    def _refuse(self, status, code, message=""):
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message or code)
        self.send_header("Content-Length", "0")
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that leaves in the middle is no news."""


@contextmanager
def running():
    """Serve a hub that holds nothing yet."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = _Server(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield hub
    finally:
        hub.stall_at = None
        server.shutdown()
        server.server_close()
