"""What scripts, agents and machines ask: a real client against a live studio."""

import json
import re
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import psutil
import pytest
from gradio_client import handle_file

from studio.artefacts import Store
from studio.character_files import export_character
from studio.characters import Character, Characters
from studio.consent import record_consent
from studio.database import connect
from tests.tabs.conftest import ANSWER_S, ROOT, client_of, get, make_sound

ENDPOINTS = {
    "/dub",
    "/quieter",
    "/talking-head",
    "/submit",
    "/status",
    "/events",
    "/cancel",
    "/retry",
    "/answer",
    "/result",
    "/jobs",
    "/characters",
    "/create_character",
    "/voices",
}
AT_REST = (
    0.08  # of a core; it was 0.13 while Gradio's queue looked at itself a thousand times a second
)


def in_a_thread(ask):
    """Run a coroutine function where no browser's event loop runs already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, ask).result()


def wait_for(client, job, *states, timeout_s=180):
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        status = client.predict(job, api_name="/status")
        if status["state"] in states:
            return status
        time.sleep(0.1)
    pytest.fail(f"{status} is not {states}")


def submit(client, sound, **settings):
    asked = {"sound": handle_file(str(sound)), **settings}
    return client.predict("quieter", asked, api_name="/submit")["id"]


def post(url, body):
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
        return answer.read()


def test_endpoints_are_named_typed_and_nothing_else_is(client, site):
    info = json.loads(get(f"{site.url}/gradio_api/info"))
    assert set(info["named_endpoints"]) == ENDPOINTS
    assert info["unnamed_endpoints"] == {}
    asked = {each["parameter_name"]: each for each in info["named_endpoints"]["/dub"]["parameters"]}
    assert asked["target_language"]["parameter_default"] == "es"
    assert all(each["parameter_has_default"] for each in asked.values())
    for endpoint in info["named_endpoints"].values():
        assert endpoint["description"]


def test_a_workflow_streams_its_progress_and_returns_its_files(site, client, sound):
    with site.held():
        call = client.submit(
            sound=handle_file(str(sound)), by_db=10, note="hi", api_name="/quieter"
        )
        seen = set()
        while "Turn a second down (2/4)" not in seen:
            assert not call.done()
            for unit in call.status().progress_data or ():
                seen.add(unit.desc)
            time.sleep(0.05)
    files, about = call.result()
    assert about["report"]["seconds"] == 6
    assert about["artefacts"] == ["audio", "report_text"]
    assert Path(files[0]).stat().st_size == sound.stat().st_size
    assert "hi" in Path(files[1]).read_text()


def test_a_job_goes_on_when_its_caller_leaves(site, client, sound):
    leaver = client_of(site.url)
    with site.held():
        call = leaver.submit(sound=handle_file(str(sound)), by_db=21, api_name="/quieter")
        while not (call.outputs() or call.done()):
            time.sleep(0.05)
        job = call.outputs()[0][1]["job"]
        while client.predict(job, api_name="/status")["step"] != "Turn a second down":
            time.sleep(0.1)
        time.sleep(1)  # now nothing changes that the caller could hear of
        call.cancel()
    assert wait_for(client, job, "done")["fraction"] == 1.0
    assert set(client.predict(job, api_name="/result")["files"]) == {"audio", "report_text"}
    kinds = [each["kind"] for each in client.predict(job, 0, api_name="/events")]
    assert kinds[0] == "submitted"
    assert kinds[-1] == "done"


def test_however_many_follow_their_jobs_the_site_answers(site, sound):
    many = client_of(site.url, max_workers=50)
    asked = {"sound": handle_file(str(sound)), "by_db": 3, "pause_s": 60}
    calls = [many.submit(**asked, api_name="/quieter") for _ in range(42)]  # of Gradio's 40
    while len(unfinished_of(site)) < 20:
        time.sleep(0.2)
    time.sleep(2)
    while not all(each.done() for each in calls):
        for job in unfinished_of(site):
            post(f"{site.url}/gradio_api/run/cancel", {"data": [job]})
        time.sleep(0.5)


def unfinished_of(site):
    """Ask as a script does that has no client of Gradio's."""
    told = json.loads(post(f"{site.url}/gradio_api/run/jobs", {"data": [100]}))["data"][0]
    return [each["id"] for each in told if each["state"] in {"queued", "running"}]


def test_cancel_and_retry(client, sound):
    job = submit(client, sound, by_db=22, pause_s=20)
    wait_for(client, job, "running")
    client.predict(job, api_name="/cancel")
    wait_for(client, job, "cancelled")  # long before its two minutes are over
    assert job in [each["id"] for each in client.predict(5, api_name="/jobs")]
    assert client.predict(job, api_name="/retry")["state"] in {"queued", "running"}
    client.predict(job, api_name="/cancel")
    wait_for(client, job, "cancelled")


def test_what_cannot_be_done_is_a_sentence_and_stands_in_the_log(site, client, sound, tmp_path):
    for said, asked in {
        "There is no sound yet": {},
        "By db": {"by_db": 99},
        "There is no setting 'nonsense'": {"nonsense": 1},
    }.items():
        with pytest.raises(Exception, match=said):
            client.predict("quieter", asked, api_name="/submit")
    with pytest.raises(Exception, match="There is no workflow 'none'"):
        client.predict("none", {}, api_name="/submit")
    with pytest.raises(Exception, match="There is no job 'x'"):
        client.predict("x", api_name="/status")
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound")
    with pytest.raises(Exception, match="is no WAV file"):
        client.predict(sound=handle_file(str(broken)), api_name="/quieter")
    log = (site.data / "logs" / "studio.jsonl").read_text().splitlines()
    assert any("there is no workflow 'none'" in json.loads(each)["message"] for each in log)


def test_a_face_needs_consent_and_a_character_has_it(client):
    picture = handle_file(str(ROOT / "tests" / "__init__.py"))
    asked = {"script": "Hello.", "avatar": picture}
    with pytest.raises(Exception, match="not said whose face"):
        client.predict("talking-head", asked, api_name="/submit")
    with pytest.raises(Exception, match="no character 'Nobody'"):
        client.predict(script="Hello.", character="Nobody", api_name="/talking-head")
    asked = {"script": "Hello.", "character": "vera", "captions": "off"}
    job = client.predict("talking-head", asked, api_name="/submit")
    client.predict(job["id"], api_name="/cancel")
    assert job["title"] == "Vera: Hello."


WRONG = (
    ({"shape": "odd"}, "Shape: input should be 'flat', 'fading', 'rising' or 'wild'."),
    ({"by_db": 99}, "By db: give 40 or less."),
    ({"pause_s": "long"}, "Pause s: input should be a valid number"),
    ({"sound": "/etc/passwd"}, "'/etc/passwd' is no upload. Send it with handle_file."),
    ({"parts": "/etc/passwd"}, "'/etc/passwd' is no upload. Send it with handle_file."),
    ({"parts": ["/etc/passwd"]}, "'/etc/passwd' is no upload. Send it with handle_file."),
)


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_a_script_is_told_which_field_is_wrong(client, sound, wrong, said):
    asked = {"sound": handle_file(str(sound)), **wrong}
    for ask in (
        lambda: client.predict(**asked, api_name="/quieter"),
        lambda: client.predict("quieter", asked, api_name="/submit"),
    ):
        with pytest.raises(Exception, match=re.escape(said)):
            ask()


def test_what_a_script_gives_is_of_the_kind_that_is_documented(client):
    for asked, said in (
        ({"limit": "many", "api_name": "/jobs"}, "limit: input should be a valid integer"),
        ({"job": 5, "api_name": "/status"}, "job: input should be a valid string"),
        ({"workflow": "quieter", "settings": "loud", "api_name": "/submit"}, "settings: input"),
    ):
        with pytest.raises(Exception, match=f"(?i){said}"):
            client.predict(**asked)
    assert isinstance(client.predict(api_name="/jobs"), list)


@pytest.mark.parametrize("path", ["/etc/passwd", "studio.db", "cas", "../secret"])
def test_paths_that_were_not_uploaded_are_refused(site, path):
    target = str(site.data / path) if not path.startswith("/") else path
    file = {"path": target, "meta": {"_type": "gradio.FileData"}}
    asked = {"data": ["quieter", {"sound": file}]}
    with pytest.raises(urllib.error.HTTPError):
        post(f"{site.url}/gradio_api/run/submit", asked)
    with pytest.raises(urllib.error.HTTPError):
        get(f"{site.url}/gradio_api/file={target}")


def test_a_studio_at_rest_leaves_the_processor_alone(site):
    server = psutil.Process(site.pid)
    taken = []
    for _ in range(5):  # the job before may be ending, and other processes make each tick dear
        before = sum(server.cpu_times()[:2])
        time.sleep(2)
        taken.append((sum(server.cpu_times()[:2]) - before) / 2)
        if taken[-1] < AT_REST:
            return
    pytest.fail(f"it takes {taken} of a core")


def test_health_and_metrics(site):
    health = json.loads(get(f"{site.url}/health"))
    assert health["status"] == "ok"
    assert set(health["jobs"]) >= {"queued", "running", "done"}
    assert health["memory"]["host_bytes"] <= health["memory"]["host_budget_bytes"] > 0
    metrics = get(f"{site.url}/metrics").decode()
    assert 'understudy_jobs{state="done"}' in metrics
    assert "understudy_disk_free_bytes" in metrics and "understudy_weights_host_bytes" in metrics


def test_agents_find_the_same_functions(site):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def ask():
        where = f"{site.url}/gradio_api/mcp/"
        async with (
            streamable_http_client(where) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {each.name: each for each in (await session.list_tools()).tools}
            said = await session.call_tool(_name(tools, "jobs"), {"limit": 1})
            return tools, said

    tools, said = in_a_thread(ask)
    assert all(_name(tools, each[1:].replace("-", "_")) for each in ENDPOINTS)
    assert "request" not in json.dumps(tools[_name(tools, "status")].inputSchema["properties"])
    assert not said.isError


def _name(tools, end):
    return next(name for name in tools if name == end or name.endswith(f"_{end}"))


class TestTwoPeople:
    """Each has a login; neither sees the other's jobs or files."""

    def test_jobs_are_their_owners(self, ann_and_bob, guarded_site, tmp_path):
        ann, bob = ann_and_bob
        job = submit(ann, make_sound(tmp_path / "anns.wav", 2), by_db=5)
        wait_for(ann, job, "done")
        assert [each["id"] for each in ann.predict(9, api_name="/jobs")] == [job]
        assert bob.predict(9, api_name="/jobs") == []
        for name, arguments in {
            "/status": (job,),
            "/events": (job, 0),
            "/cancel": (job,),
            "/retry": (job,),
            "/result": (job,),
            "/answer": (job, "{}"),
        }.items():
            with pytest.raises(Exception, match="There is no job"):
                bob.predict(*arguments, api_name=name)

        path = next((guarded_site.data / "exports" / job).glob("*.wav"), None)
        if path is None:
            ann.predict(job, api_name="/result")
            path = next((guarded_site.data / "exports" / job).glob("*.wav"))
        where = f"{guarded_site.url}/gradio_api/file={path}"
        assert status_of(where, ann) == 200
        assert status_of(where, bob) == 404
        assert status_of(where.replace(f"/{job}/", f"/{job}/../{job}/"), bob) == 404
        assert status_of(where, None) == 404
        older = f"{guarded_site.url}/gradio_api/file/{path}"  # Gradio has two routes for files
        assert [status_of(older, each) for each in (ann, bob, None)] == [200, 404, 404]
        file = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
        assert self.asked(bob, guarded_site, file) == 500

    def test_characters_are_their_owners(self, ann_and_bob, guarded_site):
        ann, bob = ann_and_bob
        store = Store(guarded_site.data)
        known = Characters(connect(f"sqlite:///{guarded_site.data}/studio.db"), store)
        made = known.save(Character(name="Cara", consent=record_consent("nobody")), "ann")
        known.save(Character(name=made.id, consent=record_consent("nobody")), "bob")
        folder = guarded_site.data / "exports" / "characters" / made.id
        path = export_character(made, store, folder / "cara.zip")
        where = f"{guarded_site.url}/gradio_api/file={path}"
        assert [status_of(where, each) for each in (ann, bob, None)] == [200, 404, 404]
        asked = {"script": "Hello.", "character": "Cara"}
        with pytest.raises(Exception, match="There is no picture yet"):
            ann.predict("talking-head", asked, api_name="/submit")
        with pytest.raises(Exception, match="There is no character 'Cara'"):
            bob.predict("talking-head", asked, api_name="/submit")

    def asked(self, person, guarded_site, file):
        import httpx

        body = {"data": ["quieter", {"sound": file}]}
        where = f"{guarded_site.url}/gradio_api/run/submit"
        return httpx.post(
            where, json=body, cookies=dict(person.cookies), timeout=ANSWER_S
        ).status_code

    def test_strangers_get_nothing(self, guarded_site):
        import httpx

        for path in ("/config", "/gradio_api/info"):
            assert httpx.get(guarded_site.url + path, timeout=ANSWER_S).status_code == 401
        body = {"data": [5]}
        where = f"{guarded_site.url}/gradio_api/run/jobs"
        assert httpx.post(where, json=body, timeout=ANSWER_S).status_code == 401
        assert httpx.get(f"{guarded_site.url}/health", timeout=ANSWER_S).status_code == 200

    def test_agents_without_a_login_do_nothing(self, guarded_site):
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        async def ask():
            where = f"{guarded_site.url}/gradio_api/mcp/"
            async with (
                streamable_http_client(where) as (read, write, _),
                ClientSession(read, write) as session,
            ):
                await session.initialize()
                tools = {each.name: each for each in (await session.list_tools()).tools}
                asked = {"workflow": "quieter", "settings": {}}
                return await session.call_tool(_name(tools, "submit"), asked)

        try:
            said = in_a_thread(ask)
        except BaseExceptionGroup:  # refused at the door: that is as good
            return
        assert said.isError
        assert "You are not logged in" in said.content[0].text


def status_of(url, client):
    import httpx

    cookies = dict(client.cookies) if client else {}
    return httpx.get(url, cookies=cookies, timeout=ANSWER_S).status_code
