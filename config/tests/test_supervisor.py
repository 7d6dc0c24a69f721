"""The supervisor, with real processes: each test is a small script that supervises others."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config.tests.processes import assert_gone

PROJECT = Path(__file__).resolve().parents[2]
HEAD = """
import os, sys
from config.supervisor import Console, Program, Supervisor, SupervisorError

def program(name, code, **options):
    return Program(name, [sys.executable, "-u", "-c", code], dict(os.environ), **options)

console = Console()
"""
SLEEP = "import time; print('started', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('started', flush=True)\\n"
    "while True: time.sleep(600)"
)


class Script:
    """A supervising script, its output collected in a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, condition: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition(self.output()):
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ends_with(self, code: int) -> None:
        assert self.process.wait(60) == code, self.output()


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[[str], Script]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(body: str) -> Script:
        log = tmp_path / f"{len(started)}.log"
        source = HEAD + textwrap.dedent(body)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", source],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": str(PROJECT)},
            )
        started.append(process)
        return Script(process, log)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def two_sleepers(first: str = SLEEP) -> str:
    return f"""
    with Supervisor(console, ".") as supervisor:
        supervisor.start(program("first", {first!r}.replace("\\\\n", chr(10))))
        supervisor.start(program("second", {SLEEP!r}))
        supervisor.run_until(lambda: False)
    console.close()
    """


def both_started(output: str) -> bool:
    return output.count("started") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_requested_stop_ends_every_program_and_exits_with_zero(
    script: Callable[[str], Script], number: signal.Signals
) -> None:
    running = script(two_sleepers())
    running.wait_for(both_started)
    programs = running.descendants()
    running.process.send_signal(number)
    running.ends_with(0)
    assert_gone(programs)


def test_a_signal_to_the_whole_process_group_reaches_only_the_supervisor(
    script: Callable[[str], Script],
) -> None:
    body = """
    code = "import signal, time\\ntry:\\n print('started', flush=True); time.sleep(600)\\n" \
           "except KeyboardInterrupt: print('interrupted', flush=True)"
    with Supervisor(console, ".") as supervisor:
        supervisor.start(program("one", code))
        supervisor.run_until(lambda: False)
    console.close()
    """
    running = script(body)
    running.wait_for(lambda output: "started" in output)
    os.killpg(running.process.pid, signal.SIGINT)
    running.ends_with(0)
    assert "interrupted" not in running.output()


def test_two_quick_requests_hurry_a_stubborn_program_and_still_exit_with_zero(
    script: Callable[[str], Script],
) -> None:
    running = script(two_sleepers(STUBBORN))
    running.wait_for(both_started)
    programs = running.descendants()
    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(signal.SIGTERM)
    running.ends_with(0)
    assert_gone(programs)


def test_kill_9_of_the_supervisor_leaves_no_program(script: Callable[[str], Script]) -> None:
    running = script(two_sleepers(STUBBORN))
    running.wait_for(both_started)
    programs = running.descendants()
    running.process.kill()
    assert_gone(programs)


def test_programs_stop_in_the_order_of_their_stages(script: Callable[[str], Script]) -> None:
    body = """
    code = "import signal, sys, time\\n" \
           "signal.signal(signal.SIGTERM, lambda *_: (print('leaving', flush=True), sys.exit()))\\n" \
           "print('started', flush=True)\\n" \
           "while True: time.sleep(600)"
    with Supervisor(console, ".") as supervisor:
        supervisor.start(program("second", code, stage=2))
        supervisor.start(program("first", code, stage=1))
        supervisor.run_until(lambda: False)
    console.close()
    """
    running = script(body)
    running.wait_for(both_started)
    running.process.send_signal(signal.SIGTERM)
    running.ends_with(0)
    leaving = [line.split()[0] for line in running.output().splitlines() if "leaving" in line]
    assert leaving == ["first", "second"]


def test_an_ended_program_starts_again_and_its_last_words_are_shown(script: Callable[[str], Script]) -> None:
    body = """
    with Supervisor(console, ".") as supervisor:
        supervisor.start(program("flaky", "print('last words', end='')"))
        supervisor.run_until(lambda: False)
    console.close()
    """
    running = script(body)
    running.wait_for(lambda output: output.count("flaky    | last words") >= 2)
    assert "ended with exit code 0, starts again in 0.5 s" in running.output()


def test_a_program_that_cannot_stay_up_ends_the_supervisor_with_its_reason(
    script: Callable[[str], Script],
) -> None:
    body = """
    try:
        with Supervisor(console, ".") as supervisor:
            supervisor.start(program("steady", "import time; time.sleep(600)"))
            supervisor.start(program("web", "raise SystemExit(7)", attempts=2))
            supervisor.run_until(lambda: False)
    except SupervisorError as error:
        console.plain(str(error))
        console.close()
        sys.exit(1)
    """
    running = script(body)
    running.ends_with(1)
    assert "web ended 2 times in a row (last: exit code 7)." in running.output()


def test_a_program_run_once_gives_its_exit_code_on_our_own_output(script: Callable[[str], Script]) -> None:
    body = """
    with Supervisor(console, ".") as supervisor:
        code = supervisor.run_once(program("once", "print('directly'); raise SystemExit(3)"))
    sys.exit(code)
    """
    running = script(body)
    running.ends_with(3)
    assert running.output() == "directly\n"


def test_a_reader_that_went_away_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    body = HEAD + textwrap.dedent("""
    with Supervisor(console, ".") as supervisor:
        supervisor.start(program("loud", "while True: print('x' * 200, flush=True)"))
        supervisor.run_until(lambda: False)
    console.close()
    """)
    loud = subprocess.Popen(
        [sys.executable, "-c", body],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert loud.stdout is not None
    try:
        assert loud.stdout.readline().startswith(b"loud     | xxx")
        # From here nobody reads: the pipe fills, and lines are dropped.
        programs = psutil.Process(loud.pid).children()
        loud.send_signal(signal.SIGTERM)
        assert loud.wait(60) == 0
        assert_gone(programs)
    finally:
        loud.kill()
        loud.wait()
        loud.stdout.close()
