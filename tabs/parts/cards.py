"""Jobs as people see them: badge, step, bar, times, cost. All text passes through `escape`."""

from datetime import datetime
from html import escape

from studio.account import Account
from studio.errors import capital
from studio.jobs import Job

BADGES = {
    "queued": "In the queue",
    "running": "Working",
    "waiting": "Waiting for you",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Stopped",
}


def job_card(job: Job, currency: str, *, heading: bool = True) -> str:
    """Return a job as HTML: what it does, how far it is, how long it takes."""
    title = f'<div class="job-title">{escape(job.title)}</div>' if heading else ""
    percent = round(100 * (1.0 if job.state == "done" else job.fraction))
    bar = (
        f'<div class="bar" role="progressbar" aria-label="{escape(job.title)}" aria-valuemin="0"'
        f' aria-valuemax="100" aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
    )
    return (
        f'<article class="job {job.state}" data-job="{escape(job.id)}"'
        f' data-state="{job.state}">'
        f'<div class="job-head"><span class="badge {job.state}">{BADGES[job.state]}</span>'
        f'<span class="job-kind">{escape(kind_of(job.workflow))} · {day(job.created_s)}</span>'
        f'<span class="job-numbers">{escape(_numbers(job, currency))}</span></div>'
        f'{title}<div class="job-step">{escape(_step(job))}</div>'
        f"{bar if job.state in {'queued', 'running', 'waiting'} else ''}</article>"
    )


def kind_of(workflow: str) -> str:
    """Return what people call the kind of a job."""
    return workflow.replace("-", " ").capitalize()


def day(time_s: float) -> str:
    """Return a moment in unix time as people write it: 27 Nov 21:48."""
    return f"{datetime.fromtimestamp(time_s).astimezone():%d %b %H:%M}"


def account_table(account: Account, currency: str) -> str:
    """Return what a finished job was expected to take, and what it took, as HTML; "" if untold."""
    if not account.steps:
        return ""
    rows = [
        (each.step, _short(each.expected_s), _short(each.taken_s) if each.taken_s else "remembered")
        for each in account.steps
    ]
    rows.append(("Altogether", _short(account.expected_s), _short(account.taken_s)))
    if account.taken_peak_bytes:
        rows += [
            ("Waiting for weights", _short(account.expected_wait_s), _short(account.taken_wait_s)),
            ("Memory at most", size(account.expected_peak_bytes), size(account.taken_peak_bytes)),
        ]
    if account.taken_cost:
        expected = account.expected_cost
        before = "not known" if expected is None else f"{expected:.3f} {currency}"
        rows.append(("Cost", before, f"{account.taken_cost:.3f} {currency}"))
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(before)}</td><td>{escape(after)}</td></tr>'
        for name, before, after in rows
    )
    heads = "".join(f'<th scope="col">{each}</th>' for each in ("", "Expected", "It took"))
    return (
        '<details class="flight account"><summary>Expected, and what it took</summary>'
        f'<table class="plain numbers"><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table></details>'
    )


def _short(seconds: float | None) -> str:
    """Return a length of time in words, with tenths where it is short."""
    if seconds is None:
        return "not known"
    return f"{seconds:.1f} s" if seconds < 10 else clock(seconds)


def clock(seconds: float) -> str:
    """Return a length of time in words: 45 s, 3 min 05 s, 1 h 02 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count_bytes: float) -> str:
    """Return a number of bytes in words: 640 kB, 12.5 MB, 3.2 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if count_bytes >= scale:
            return f"{count_bytes / scale:.1f} {unit}"
    return f"{count_bytes / 1e3:.0f} kB"


def _step(job: Job) -> str:
    if job.state == "queued":
        return f"Place {job.position} in the queue" if job.position else "Starting"
    if job.state == "failed":
        return capital(job.error)
    if job.state == "waiting":
        return "Have a look, then continue."
    if job.state in {"done", "cancelled"}:
        return ""
    if not job.step:
        return "Starting"
    item = f" · {job.item} of {job.items}" if job.items > 1 else ""
    return f"Step {job.step_n} of {job.step_m}: {job.step}{item}"


def _numbers(job: Job, currency: str) -> str:
    parts: list[str] = []
    if job.elapsed_s > 0:
        parts.append(clock(job.elapsed_s))
    if job.state == "running" and job.eta_s is not None:
        parts.append(f"{clock(job.eta_s)} to go")
    if job.cost > 0:
        parts.append(f"{job.cost:.2f} {currency}")
    return " · ".join(parts)
