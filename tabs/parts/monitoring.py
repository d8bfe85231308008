"""What machines ask: is it well (/health), and in numbers (/metrics, Prometheus)."""

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from studio.studio import Studio


def add_routes(app: FastAPI, studio: Studio) -> None:
    """Add /health and /metrics; neither tells whose jobs there are."""

    def health() -> dict[str, Any]:
        memory = None if studio.keeper is None else asdict(studio.keeper.holdings())
        return {"status": "ok", **asdict(studio.health()), "memory": memory}

    def metrics() -> Response:
        return Response(_metrics(studio), media_type="text/plain; version=0.0.4")

    app.add_api_route("/health", health)
    app.add_api_route("/metrics", metrics)


def _metrics(studio: Studio) -> bytes:
    now = studio.health()
    registry = CollectorRegistry()
    held = studio.keeper.holdings() if studio.keeper else None
    jobs = Gauge("understudy_jobs", "Jobs by state", ["state"], registry=registry)
    for state, count in now.jobs.items():
        jobs.labels(state).set(count)
    for name, text, value in (
        ("working", "Whether this process takes jobs from the queue", float(now.working)),
        ("disk_free_bytes", "Free bytes of the data folder's disk", now.disk_free_bytes),
        ("disk_total_bytes", "Size of the data folder's disk", now.disk_total_bytes),
        ("uptime_seconds", "Seconds since the studio started", now.uptime_s),
        ("weights_host_bytes", "Weights in main memory", held.host_bytes if held else 0),
        ("weights_device_bytes", "Weights on the device", held.device_bytes if held else 0),
    ):
        Gauge(f"understudy_{name}", text, registry=registry).set(value)
    return generate_latest(registry)
