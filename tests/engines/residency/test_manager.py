"""The manager with real threads and real bytes, on the CPU."""

import faulthandler
import gc
import threading
import time

import pytest
import torch
from safetensors import SafetensorError

from engines.networks import last_pass
from engines.residency.manager import Manager
from engines.residency.measured import Measured
from studio.errors import Busy, Cancelled, OutOfMemory
from studio.holdings import Spent
from tests.engines.residency.fleet import Made, manager, one_model_bytes

ONE = one_model_bytes()
FITS_ONE = int(ONE * 1.5)
PATIENCE_S = 100.0  # with a busy machine


@pytest.fixture(autouse=True)
def no_hang():
    torch.set_num_threads(1)
    faulthandler.dump_traceback_later(300, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return Made(tmp_path)


@pytest.fixture
def boss(made):
    boss = manager(made, FITS_ONE)
    yield boss
    boss.close()


def ask(boss, names, job="job"):
    answers = []
    boss.expect(job, list(names))
    for name in names:
        with boss.lease(name, job) as engine:
            answers.append(engine.think())
    boss.withdraw(job)
    return answers


@pytest.mark.parametrize("size", [FITS_ONE, ONE * 20, ONE * 2], ids=["one", "all", "two"])
@pytest.mark.parametrize("arena", [0, ONE * 3, ONE * 30])
def test_four_stages_give_the_same_bytes_with_any_budget(made, size, arena):
    boss = manager(made, size, arena_bytes=arena)
    plain = [made.plain(name) for name in "abcdab"]
    assert ask(boss, "abcdab") == plain
    assert boss.device.peak_bytes <= size
    assert all(engine.loads == 1 for engine in made.engines.values())  # files are read once
    boss.close()


def test_a_streamed_engine_gives_the_same_bytes(made):
    boss, told = manager(made, int(ONE * 0.75)), []
    assert ask(boss, "aba") == [made.plain(name) for name in "aba"]
    boss.expect("job", ["a"], told.append)
    with boss.lease("a", "job"):
        assert told == ["A is on the device in parts only, which takes longer."]
    assert boss.device.peak_bytes <= int(ONE * 0.75)
    assert boss.books.vram.moved_bytes > 2 * ONE  # it came in parts, again and again
    boss.close()


def test_what_was_dropped_from_host_memory_is_read_from_the_files(made):
    boss = manager(made, FITS_ONE)
    first = ask(boss, "a")
    with boss.loader.changed:
        boss.books.trim(boss.books.vram)
        freed = boss.books.trim(boss.books.ram)
    assert freed > ONE / 2  # all chunks that equal bytes of the file
    reads = boss.books.ram.moved_bytes
    assert ask(boss, "a") == first and boss.books.ram.moved_bytes - reads == freed
    assert made.engines["a"].loads == 1
    boss.close()


def test_engines_leave_host_memory_as_a_whole_where_it_is_small(made):
    boss = manager(made, FITS_ONE, host_bytes=int(ONE * 2.5))
    plain = [made.plain(name) for name in "abcda"]
    assert ask(boss, "abcda") == plain
    assert boss.books.ram.used_bytes <= ONE * 2.5
    assert {each.engine for each in boss.holdings().engines} < set("abcd")
    boss.close()


def test_the_next_stage_arrives_while_this_one_computes(made):
    boss = manager(made, ONE * 2)
    ask(boss, "abc")
    boss.expect("job", ["a", "b"])
    with boss.lease("a", "job"):
        until(lambda: boss.books.vram.counts["b"] == len(boss.books.models["b"].chunks))
    boss.withdraw("job")
    boss.close()


def test_nothing_points_to_the_device_after_a_lease(made, boss):
    ask(boss, "a")
    net = made.engines["a"].nets["net"]
    assert all(each.numel() == 0 for each in (*net.parameters(), *net.buffers()))
    assert net.head.weight is net.embed.weight
    with pytest.raises(RuntimeError):
        net(torch.tensor([1]))
    assert boss.device.live_bytes == boss.books.vram.used_bytes


def test_2_what_is_leased_is_not_dropped(made, boss):
    with boss.lease("a") as engine:
        before = engine.think()
        boss.free()
        assert engine.think() == before == made.plain("a")


def test_16_after_everything_left_the_arena_is_one_run(made):
    boss = manager(made, FITS_ONE, arena_bytes=ONE * 8)
    ask(boss, "abcd")
    assert boss.host.arena.used_bytes
    boss.free()
    gc.collect()
    assert len(boss.host.arena.free_runs) == 1 and not boss.host.arena.used_bytes
    assert boss.books.ram.used_bytes == boss.books.vram.used_bytes == boss.device.live_bytes == 0
    assert ask(boss, "a") == [made.plain("a")]
    boss.close()


def test_12_many_threads_and_jobs_take_turns(made):
    boss = manager(made, FITS_ONE, host_bytes=ONE * 3)
    plain = {name: made.plain(name) for name in "abcd"}
    wrong, inside = [], []

    def work(number):
        names = "abcd"[number % 4 :] + "abcd"[: number % 4]
        boss.expect(f"job {number}", list(names))
        for name in names:
            with boss.lease(name, f"job {number}") as engine:
                inside.append(number)
                if len(inside) != 1 or engine.think() != plain[name]:
                    wrong.append((number, name))
                inside.remove(number)
        boss.withdraw(f"job {number}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE_S)
    assert not wrong and not any(each.is_alive() for each in threads)
    assert not boss.books.leased
    boss.close()


def test_12_stop_while_waiting_for_another_job(made, boss):
    stopped = threading.Event()

    def check():
        raise Cancelled("stop")

    def wait():
        with pytest.raises(Cancelled), boss.lease("b", "two", check):
            pass
        stopped.set()

    with boss.lease("a", "one"):
        threading.Thread(target=wait).start()
        assert stopped.wait(PATIENCE_S)
    assert ask(boss, "b") == [made.plain("b")]


def test_8_a_file_that_cannot_be_read_fails_the_lease_and_a_retry_succeeds(made):
    boss = manager(made, FITS_ONE)
    ask(boss, "a")
    with boss.loader.changed:
        boss.books.trim(boss.books.vram)
        boss.books.trim(boss.books.ram)
    path = made.entries["a"][0] / "model.safetensors"
    whole = path.read_bytes()
    hidden = path.rename(path.with_name("hidden"))
    with pytest.raises(FileNotFoundError), boss.lease("a"):
        pass
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match="ended after"), boss.lease("a"):
        pass
    assert not boss.books.leased
    hidden.replace(path)
    assert ask(boss, "a") == [made.plain("a")]
    boss.close()


def test_a_second_engine_for_the_same_step_is_refused(boss):
    with boss.lease("a"), boss.lease("a"), pytest.raises(Busy), boss.lease("b"):
        pass
    with boss.lease("b"):
        pass


def test_an_engine_without_blocks_that_does_not_fit_says_so(made, monkeypatch):
    boss = manager(made, ONE // 100)
    with pytest.raises(OutOfMemory):
        ask(boss, "a")
    assert not boss.books.leased
    boss.close()


def test_in_place_nothing_moves(made):
    boss: Manager = manager(made, ONE)
    boss.device.in_place = True
    assert ask(boss, "abca") == [made.plain(name) for name in "abca"]
    assert boss.books.vram.moved_bytes == 0 and not boss.loader.threads
    assert boss.free() >= ONE
    assert ask(boss, "a") == [made.plain("a")]


@pytest.mark.parametrize("in_place", [True, False])
def test_what_a_job_took_is_what_was_forecast(made, in_place):
    boss = manager(made, ONE * 9)
    boss.device.in_place = in_place
    ask(boss, "ab")
    boss.free()
    told = boss.forecast(["a", "b", "a"])
    boss.expect("job", ["a", "b", "a"])
    for name in "aba":
        with boss.lease(name, "job") as engine:
            engine.think()
    spent = boss.spent("job")
    assert spent.peak_bytes == told.peak_bytes == ONE * 2
    assert spent.wait_s > 0 and boss.spent("another") == Spent()
    boss.close()


def test_idle_frees_the_device_and_then_host_memory(made):
    boss = manager(made, FITS_ONE, vram_idle_s=0.05, ram_idle_s=1000.0)
    with boss.lease("a"):
        assert boss.idle_s() == 0
        time.sleep(0.1)
        boss.tend()
    assert boss.books.vram.used_bytes
    time.sleep(0.1)
    boss.tend()
    assert not boss.books.vram.used_bytes and boss.books.ram.used_bytes
    boss.ram_idle_s = 0.1
    boss.tend()
    assert not boss.books.ram.used_bytes and not boss.holdings().engines
    boss.close()


def test_the_forecast_knows_what_was_measured(made):
    boss = manager(made, FITS_ONE)
    ask(boss, "ab")
    forecast = boss.forecast(["a", "a", "b"])
    assert not forecast.guessed and forecast.peak_bytes <= FITS_ONE and forecast.wait_s > 0
    assert boss.measured.of("a").nbytes == ONE
    boss.close()


def until(met):
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("in_place", [True, False])
def test_an_engine_that_was_never_loaded_comes_while_another_computes(made, in_place):
    boss = manager(made, ONE * 9)
    boss.device.in_place = in_place
    boss.expect("job", ["a", "b", "c"])
    with boss.lease("a", "job") as engine:
        shelf = boss.books.ram if in_place else boss.books.vram
        until(lambda: shelf.counts["c"])  # b and c were built, and not by this thread
        assert engine.think() == made.plain("a")
    assert [made.engines[name].loads for name in "bc"] == [1, 1]
    for name in "bc":
        with boss.lease(name, "job") as engine:
            assert engine.think() == made.plain(name) and engine.loads == 1
    assert not boss.books.promised_bytes
    boss.close()


def test_what_was_never_loaded_waits_where_it_would_drive_out_what_is_needed_sooner(made):
    boss = manager(made, ONE * 9, host_bytes=int(ONE * 2.5))
    ask(boss, "ab")
    boss.expect("job", ["a", "b", "c", "d"])
    with boss.lease("a", "job"):
        boss._ahead.join()  # it looked, and found no room
        time.sleep(0.05)
        assert "c" not in boss.books.models and boss.books.ram.counts["b"]
    with boss.lease("b", "job"):
        until(lambda: boss.books.ram.counts["c"])  # in place of a
        assert not boss.books.ram.counts["a"] and boss.books.ram.used_bytes <= ONE * 2.5
    boss.close()


def test_what_is_leased_while_it_comes_drives_nobody_out(made):
    boss = manager(made, ONE * 9, host_bytes=int(ONE * 2.5))
    ask(boss, "a")
    with boss._intake._building:  # it was promised room, and is not built before this ends
        boss.expect("job", ["b", "a"])
        until(lambda: boss.books.promised_bytes)
        answers = []
        leasing = threading.Thread(target=lambda: answers.extend(ask(boss, "b")))
        leasing.start()
        until(lambda: boss._lodging.guests["b"].leased)
        time.sleep(0.1)  # it looks for room
    leasing.join(PATIENCE_S)
    assert "a" in boss.books.models and answers == [made.plain("b")]
    boss.close()


def test_in_another_precision_only_the_files_are_read_ahead(made, tmp_path):
    half = Made(tmp_path / "half", names="b", dtype="bfloat16")
    made.entries["b"] = half.entries["b"]
    boss = manager(made, ONE * 9)
    boss.expect("job", ["a", "b"])
    with boss.lease("a", "job"):
        until(lambda: "b" in boss._ahead._read)
        boss._ahead.join()
        assert "b" not in boss.books.models
    with boss.lease("b", "job") as engine:
        assert engine.think() == made.plain("b")
    boss.close()


def test_weights_that_cannot_be_read_ahead_fail_their_own_lease_only(made):
    boss = manager(made, ONE * 9)
    (made.entries["b"][0] / "model.safetensors").write_bytes(b"12345678 no weights")
    boss.expect("job", ["a", "b"])
    with boss.lease("a", "job") as engine:
        boss._ahead.join()
        assert engine.think() == made.plain("a")
    with pytest.raises(SafetensorError), boss.lease("b", "job"):
        pass
    boss.withdraw("job")
    boss._ahead.join()
    assert not boss.books.promised_bytes and "b" not in boss.books.models
    boss.close()


def test_reading_ahead_that_would_do_harm_is_left_out_of_the_real_plan_too(made):
    """Three engines in turn, room for two and a half, and a disk slower than any of them computes."""
    slow = Measured()
    for name in "abc":
        slow.learn(name, nbytes=ONE, chunks=5, load_s=ONE / 1e5, lease_s=0.02)
    boss = manager(made, ONE, host_bytes=int(ONE * 2.5), measured=slow)
    boss.expect("job", list("abcabcabc"))
    assert boss.books.thrifty
    boss.expect("job", ["a", "b"])
    assert not boss.books.thrifty  # everything fits: nothing is read twice
    boss.close()


@pytest.mark.parametrize("in_place", [True, False])
def test_engines_of_the_same_weights_have_one_network(made, in_place):
    made.twins("a", "b")
    boss = manager(made, ONE * 9)
    boss.device.in_place = in_place
    assert boss.forecast(["a", "b"]).peak_bytes == boss.forecast(["a"]).peak_bytes
    plain = made.plain("a")
    boss.expect("job", ["a", "b", "a", "c"])
    for name in "aba":
        with boss.lease(name, "job") as engine:
            assert engine.think() == plain
    assert ONE <= boss.spent("job").peak_bytes <= ONE * 2  # c may have come ahead, or a part of it
    boss.withdraw("job")
    boss._ahead.join()
    assert made.engines["a"].nets["net"] is made.engines["b"].nets["net"]
    loads = [made.engines[name].loads for name in "ab"]
    assert sorted(loads) == [0, 1]  # b may be built ahead while a waits for its turn
    assert boss.books.ram.used_bytes <= ONE * 2  # of both, and of c
    with boss.lease("b"):
        boss.free()
        assert boss.books.ram.counts[boss._key("a")]  # b's network is a's
    boss.free()
    assert not boss.books.ram.used_bytes and not boss.holdings().engines
    assert ask(boss, "ba") == [plain, plain]
    boss.close()


def lend_handing(boss, more=lambda engine: None):
    """Let a think in its last pass, until b is there in its place; return the answer."""
    with boss.lease("a", "job") as engine:
        boss.last_item("a")
        with last_pass(engine.nets["net"]):
            answer = engine.think()
        until(lambda: boss.books.vram.counts["b"] == len(boss.books.models["b"].chunks))
        more(engine)
    return answer


def test_in_the_last_pass_the_next_network_takes_the_place_of_this_one(made):
    boss = manager(made, int(ONE * 1.5))  # not both
    ask(boss, "ab")
    whole = len(boss.books.models["b"].chunks)
    boss.expect("job", ["a", "b"])
    with boss.lease("a", "job") as engine:
        engine.think()
        time.sleep(0.1)
        assert boss.books.vram.counts["b"] < whole  # without it, there is no room
    boss.withdraw("job")
    boss.expect("job", ["a", "b"])
    assert lend_handing(boss) == made.plain("a")
    with boss.lease("b", "job") as engine:
        assert engine.think() == made.plain("b")
    assert boss.device.peak_bytes <= ONE * 1.5 and not boss.books.leased
    assert not [each for each in vars(made.engines["a"].nets["net"]) if "handing" in each]
    boss.close()


def test_a_network_that_is_used_again_after_its_last_pass_comes_back(made):
    boss = manager(made, int(ONE * 1.5))
    ask(boss, "ab")
    boss.expect("job", ["a", "b"])
    answers = []

    def think_again(engine):
        answers.append(engine.think())
        with last_pass(engine.nets["net"]):
            answers.append(engine.think())
        with last_pass(engine.nets["net"]):
            answers.append(engine.think())

    answer = lend_handing(boss, think_again)
    assert {answer, *answers} == {made.plain("a")}
    boss.close()


def test_before_the_last_item_nothing_is_handed_on(made):
    boss = manager(made, int(ONE * 1.5))
    ask(boss, "ab")
    boss.expect("job", ["a", "b"])
    with boss.lease("a", "job") as engine:
        with last_pass(engine.nets["net"]):
            assert engine.think() == made.plain("a")
        assert len(boss.books.leased) == len(boss.books.models["a"].chunks)
    boss.close()


def test_9_what_is_fused_into_the_device_copy_is_gone_when_it_is_dropped(made, boss):
    """No engine has adapters yet; what they will rely on: W + s·B·A is undone by a drop, bit for bit."""
    plain = made.plain("a")
    with boss.lease("a") as engine:
        pristine = [
            (id_, bytes(slot.buffer.tensor.numpy())) for id_, slot in boss.books.ram.held.items()
        ]
        for each in engine.nets["net"].blocks:
            low, high = torch.ones(64, 2), torch.ones(2, 64)
            each.inner.weight.data += 0.5 * low @ high
        assert engine.think() != plain
    boss.free(host=False)
    with boss.lease("a") as engine:
        assert engine.think() == plain
    now = [(id_, bytes(slot.buffer.tensor.numpy())) for id_, slot in boss.books.ram.held.items()]
    assert now == pristine
