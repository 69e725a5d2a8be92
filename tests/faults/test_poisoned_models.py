"""Models that do what no model should: each is refused at first load, or answered for within the deadline later."""

import re
import time
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from finalmile.errors import FinalMileError, ModelFaultError
from finalmile.forecasters.isolation import Bounds
from finalmile.forecasters.loaders.kept import Kept
from finalmile.serving.host import Host
from finalmile.serving.native_lightgbm import open_rows
from finalmile.serving.sandbox import Terms, try_rows

DEADLINE = 1.0
SLACK = 4.0  # a loaded machine starts and ends processes slowly; a hang would be minutes
BOUNDS = Bounds(memory_mb=600, load_seconds=20, answer_seconds=DEADLINE)
TERMS = Terms(row_ms=50, deadline_ms=DEADLINE * 1000, bounds=BOUNDS)
ROWS = np.abs(np.random.default_rng(0).normal(size=(24, 3)))
SIGNATURE = {"features": [{"name": name} for name in "abc"], "outputs": ["mean"]}

HEAD = "import ctypes, os, sys, threading, time\nimport numpy as np\nkept, calls = [], 0\n"
POISONS = {
    "raises": ("raise ZeroDivisionError('no sales')", "raised ZeroDivisionError: no sales"),
    "hangs": ("while True: pass", "did not answer in time"),
    "hangs_beyond_python": (
        "ctypes.PyDLL(None).usleep.argtypes = [ctypes.c_uint]\n    ctypes.PyDLL(None).usleep(900000000)",
        "did not answer in time",
    ),
    "sleeps": ("time.sleep(3600)", "did not answer in time"),
    "is_slow": ("time.sleep(0.08)\n    return x[:, 0]", "ms for a row"),
    "leaks_memory": ("kept.append(np.ones(40_000))\n    return x[:, 0]", "leaks memory"),
    "takes_all_memory": ("kept.append(np.ones(200_000_000))\n    return x[:, 0]", "MemoryError|ended"),
    "forks": ("os.fork()\n    return x[:, 0]", "may not start another process"),
    "runs_a_command": ("os.system('true')\n    return x[:, 0]", "may not start another process"),
    "exits": ("os._exit(0)", "ended with exit code 0"),
    "exits_politely": ("sys.exit(3)", "SystemExit"),
    "segfaults": ("ctypes.string_at(8)", "ended of SIGSEGV"),
    "aborts": ("ctypes.CDLL(None).abort()", "ended of SIGABRT"),
    "answers_too_few": ("return x[:-1, 0]", "shape"),
    "answers_too_many": ("return np.concatenate([x, x])[:, 0]", "shape"),
    "answers_two_columns": ("return x[:, :2]", "shape"),
    "answers_text": ("return ['many'] * len(x)", "could not convert"),
    "answers_nothing": ("return None", "shape|NoneType|float|not finite"),
    "answers_nan": ("return x[:, 0] * np.nan", "not finite"),
    "answers_infinity": ("return x[:, 0] / 0.0", "not finite"),
    "answers_1e300": ("return x[:, 0] * 0 + 1e300", "too large"),
    "writes_files": ("open(HOME + '/left-behind', 'w')\n    return x[:, 0]", "may write only to its own scratch"),
    "removes_files": ("os.remove(HOME + '/mine')\n    return x[:, 0]", "may change only its own scratch"),
    "fills_the_disk": (
        "f = open('big', 'wb')\n    for _ in range(99): f.write(bytes(1 << 20)); f.flush()\n    return x[:, 0]",
        "File too large",
    ),
    "calls_home": (
        "import socket; socket.create_connection(('127.0.0.1', 9))\n    return x[:, 0]",
        "may not reach other machines",
    ),
    "closes_its_socket": ("os.closerange(3, 5000)\n    return x[:, 0]", "ended|closed"),
    "writes_into_its_socket": (
        "for fd in range(3, 1000):\n"
        "        try: os.write(fd, b'\\xff' * 64)\n"
        "        except OSError: pass\n"
        "    return x[:, 0]",
        "wrote into the socket",
    ),
    "mixes_rows_up": ("return np.roll(x[:, 0], 1)", "must not depend on each other"),
    "opens_a_database": ("import sqlite3; sqlite3.connect(HOME + '/left-behind')\n    return x[:, 0]", "own scratch"),
    "opens_a_database_by_address": (
        "import sqlite3; sqlite3.connect('file:' + HOME + '/left-behind', uri=True)\n    return x[:, 0]",
        "own scratch",
    ),
    "changes_times": ("os.utime(HOME + '/mine', (1, 1))\n    return x[:, 0]", "may change only its own scratch"),
    "makes_a_pipe": ("os.mkfifo(HOME + '/left-behind')\n    return x[:, 0]", "may change only its own scratch"),
    "makes_a_node": ("os.mknod(HOME + '/left-behind')\n    return x[:, 0]", "may change only its own scratch"),
    "links_what_is_not_its_own": (
        "os.link(HOME + '/mine', 'm')\n    return x[:, 0]",
        "may change only its own scratch",
    ),
    "forks_below_python": (
        "import _posixsubprocess; _posixsubprocess.fork_exec()\n    return x[:, 0]",
        "may not start another process",
    ),
    "signals_others": ("os.kill(os.getppid(), 15)\n    return x[:, 0]", "may not send signals"),
}
HARMLESS = {
    "keeps_a_database": "import sqlite3; sqlite3.connect(':memory:').close(); sqlite3.connect('mine.db').close()\n"
    "    return x[:, 0]",
    "prints_garbage": "print('\\x00' * 100_000); os.write(1, b'\\xff' * 100_000)\n    return x[:, 0]",
}


def registered(folder, body, *, good_calls=None, loader="callable"):
    """An artefact whose function does ``body``, or answers well for its first calls and then does it."""
    for name in ("files", "code"):
        (folder / name).mkdir(parents=True)
    (folder / "mine").write_text("keep me")
    guard = "" if good_calls is None else f"    calls += 1\n    if calls <= {good_calls}: return x[:, 0]\n"
    code = f"{HEAD}HOME = {str(folder)!r}\ndef fn(x):\n    global calls\n{guard}    {body}\n"
    (folder / "code" / "poison.py").write_text(code)
    Kept(loader=loader, settings={"function": "poison:fn"}, signature=SIGNATURE).write(folder)
    return folder


@pytest.mark.parametrize("name", POISONS)
def test_a_poisoned_model_is_refused_at_first_load_with_a_sentence_that_says_why(name, tmp_path):
    body, says = POISONS[name]
    folder = registered(tmp_path / "model", body)
    began = time.monotonic()
    with pytest.raises(ModelFaultError, match=says) as refused:
        try_rows(folder, ROWS, terms=TERMS)
    assert time.monotonic() - began < 60
    assert "\n" not in str(refused.value)
    assert not (folder / "left-behind").exists()
    assert (folder / "mine").exists()


def asked_thrice(host):
    """Bytes that a model put into its socket are only seen at the next answer."""
    return [host.rows(ROWS[:2]) for _ in range(3)]


@pytest.mark.parametrize("name", POISONS)
def test_a_model_that_turns_bad_later_is_a_fault_within_the_deadline(name, tmp_path):
    if name in ("is_slow", "leaks_memory", "mixes_rows_up"):
        pytest.skip("each answer by itself is fine, and only seen side by side at first load")
    folder = registered(tmp_path / "model", POISONS[name][0], good_calls=3)
    host = Host(folder, deadline_s=DEADLINE, bounds=BOUNDS)
    try:
        for _ in range(3):
            assert host.rows(ROWS[:2]).tolist() == ROWS[:2, :1].tolist()
        began = time.monotonic()
        with pytest.raises(ModelFaultError):
            asked_thrice(host)
        assert time.monotonic() - began < DEADLINE + SLACK
        assert host.strikes == 1
    finally:
        host.close()


@pytest.mark.parametrize("name", HARMLESS)
def test_output_goes_nowhere_and_disturbs_nothing(name, tmp_path, capfd):
    answers, tried = try_rows(registered(tmp_path / "model", HARMLESS[name]), ROWS, terms=TERMS)
    assert answers.tolist() == ROWS[:, :1].tolist()
    assert tried.answers >= 30
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise RuntimeError('not today')", "not today"),
        ("import os; os._exit(5)", "exit code 5"),
        ("while True: pass", "did not load in time"),
        ("import no_such_library", "no_such_library"),
        ("import subprocess; subprocess.run(['true'])", "may not start another process"),
        ("import ctypes; ctypes.string_at(8)", "SIGSEGV"),
        ("def fn(: pass", "SyntaxError"),
        ("fn = 3", "no function"),
    ],
)
def test_what_goes_wrong_while_loading_is_refused(code, says, tmp_path):
    folder = registered(tmp_path / "model", "")
    (folder / "code" / "poison.py").write_text(code)
    with pytest.raises(ModelFaultError, match=says):
        Host(folder, bounds=Bounds(load_seconds=3))


def test_a_model_is_given_up_after_three_strikes_and_then_fails_at_once(tmp_path):
    host = Host(registered(tmp_path / "model", "os._exit(1)"), deadline_s=DEADLINE, bounds=BOUNDS)
    until = time.monotonic() + 60
    try:
        while not host.out and time.monotonic() < until:
            with pytest.raises(ModelFaultError):
                host.rows(ROWS[:1])
        assert host.strikes == 3
        with pytest.raises(ModelFaultError, match="given up after 3 faults") as told:
            host.rows(ROWS[:1])
        assert told.value.kind == "struck out"
    finally:
        host.close()


def test_a_model_that_died_once_comes_back_by_itself(tmp_path):
    body = "if x[0, 0] > 1e6: os._exit(1)\n    return x[:, 0]"
    host = Host(registered(tmp_path / "model", body), deadline_s=DEADLINE, bounds=BOUNDS)
    until = time.monotonic() + 60
    try:
        with pytest.raises(ModelFaultError, match="exit code 1"):
            host.rows(ROWS[:1] + 1e7)
        while not host.ready and time.monotonic() < until:
            pass
        assert host.rows(ROWS[:1]).tolist() == ROWS[:1, :1].tolist()
        assert host.strikes == 1
    finally:
        host.close()


def test_nothing_a_model_started_outlives_it(tmp_path):
    """A fork that Python does not see is in the same group of processes, and ends with it."""
    body = "pid = ctypes.CDLL(None).fork()\n    if pid == 0: time.sleep(600)\n    return x[:, 0] * 0 + pid"
    host = Host(registered(tmp_path / "model", body), deadline_s=DEADLINE, bounds=BOUNDS)
    grandchild = int(host.rows(ROWS[:1])[0, 0])
    host.close()
    until = time.monotonic() + 10
    while _runs(grandchild) and time.monotonic() < until:
        pass
    assert not _runs(grandchild)


def test_a_death_is_seen_though_something_it_started_holds_its_socket(tmp_path):
    body = "pid = ctypes.CDLL(None).fork()\n    if pid == 0: time.sleep(600)\n    os._exit(9)"
    host = Host(registered(tmp_path / "model", body), deadline_s=60, bounds=BOUNDS, most=1)
    began = time.monotonic()
    with pytest.raises(ModelFaultError, match="exit code 9"):
        host.rows(ROWS[:1])
    assert time.monotonic() - began < 20
    host.close()


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_model_sees_no_secrets_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    body = "return x[:, 0] * 0 + float('AWS_SECRET_ACCESS_KEY' in os.environ)"
    answers, _ = try_rows(registered(tmp_path / "model", body), ROWS, terms=TERMS)
    assert answers.sum() == 0


def test_the_scratch_folder_of_a_model_is_removed_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    body = "open('note', 'w').write('x')\n    return x[:, 0]"
    try_rows(registered(tmp_path / "model", body), ROWS, terms=TERMS)
    assert list((tmp_path / "scratch").iterdir()) == []


# LightGBM texts: the one kind that is answered in the process that serves, so none may get that far.


@pytest.fixture(scope="module")
def text():
    chance = np.random.default_rng(2)
    features = np.column_stack([chance.normal(size=(400, 2)), chance.integers(0, 8, 400)])
    target = features[:, 0] + features[:, 2] % 3
    params = {"verbosity": -1, "num_threads": 1, "num_leaves": 7, "min_data_per_group": 5}
    return lightgbm.train(params, lightgbm.Dataset(features, target, categorical_feature=[2]), 5).model_to_string()


EDITS = {
    "a feature that is not there": (r"(\nsplit_feature=)\d+", r"\g<1>7777777"),
    "a negative feature": (r"(\nsplit_feature=)\d+", r"\g<1>-5"),
    "a child far away": (r"(\nleft_child=)-?\d+", r"\g<1>123456"),
    "a child that is its parent": (r"(\nright_child=)-?\d+", r"\g<1>0"),
    "more leaves": (r"(\nnum_leaves=)\d+", r"\g<1>2000000000"),
    "no leaves": (r"(\nnum_leaves=)\d+", r"\g<1>0"),
    "a strange decision": (r"(\ndecision_type=)\d+", r"\g<1>127"),
    "a category set that is not there": (r"(\ncat_boundaries=0) \d+", r"\g<1> 99999"),
    "more category sets": (r"(\nnum_cat=)[1-9]\d*", r"\g<1>1000000"),
    "other sizes of trees": (r"(\ntree_sizes=)\d+", r"\g<1>999999"),
    "more classes": (r"(\nnum_class=)\d+", r"\g<1>4"),
    "no trees a round": (r"(\nnum_tree_per_iteration=)\d+", r"\g<1>0"),
    "more features": (r"(\nmax_feature_idx=)\d+", r"\g<1>2147483646"),
    "an infinite leaf": (r"(\nleaf_value=)\S+", r"\g<1>1e999"),
}


def lightgbm_artefact(folder, text):
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "model.txt").write_text(text)
    Kept(loader="lightgbm", signature=SIGNATURE).write(folder)
    return folder


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_integer_of_a_lightgbm_text_is_refused(name, text, tmp_path):
    pattern, to = EDITS[name]
    broken = re.sub(pattern, to, text, count=1)
    assert broken != text
    folder = lightgbm_artefact(tmp_path / "model", broken)
    with pytest.raises(ModelFaultError, match=r"again$"):
        try_rows(folder, ROWS, terms=TERMS)
    with pytest.raises(FinalMileError, match="again"):
        open_rows(folder)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.95])
def test_a_truncated_lightgbm_text_is_refused(share, text, tmp_path):
    folder = lightgbm_artefact(tmp_path / "model", text[: int(len(text[: text.index("end of trees")]) * share)])
    with pytest.raises(ModelFaultError):
        try_rows(folder, ROWS, terms=TERMS)


def test_an_untouched_lightgbm_text_is_taken(text, tmp_path):
    answers, _ = try_rows(lightgbm_artefact(tmp_path / "model", text), ROWS, terms=TERMS)
    assert np.array_equal(answers[:, 0], lightgbm.Booster(model_str=text).predict(ROWS, num_threads=1))


def test_golden_rows_that_are_answered_otherwise_stop_a_version_from_loading(text, tmp_path):
    folder = lightgbm_artefact(tmp_path / "model", text)
    golden = {"rows": ROWS[:2].tolist(), "answers": [[0.0], [0.0]]}
    Kept(loader="lightgbm", signature=SIGNATURE, golden=golden).write(folder)
    with pytest.raises(FinalMileError, match="golden row 0"):
        open_rows(folder)
