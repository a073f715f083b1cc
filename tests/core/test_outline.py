"""The outline of an exception has its kinds and places, and nothing of its texts, whatever they are."""

import logging
import subprocess
import sys

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.command.logs import OutlineFormatter
from service.core.outline import outline

# Texts that no path, function or kind of exception contains.
TEXTS = st.text("ÀÉ☐0639985200", min_size=4, max_size=20).map(lambda text: f"☐{text}☐")
KINDS = st.sampled_from([ValueError, KeyError, OSError, RuntimeError, UnicodeError])


@st.composite
def problems(draw: st.DrawFn, depth: int = 3) -> BaseException:
    """Exceptions with texts, notes, causes, contexts and groups, as they are raised."""
    try:
        if depth and draw(st.booleans()):
            inner = draw(problems(depth=depth - 1))
            kind, text = draw(KINDS), draw(TEXTS)
            match draw(st.integers(0, 3)):
                case 0:
                    raise kind(text) from inner
                case 1:
                    raise ExceptionGroup(text, [kind(text), *([inner] if isinstance(inner, Exception) else [])])
                case _:
                    try:
                        raise inner
                    except BaseException:  # noqa: BLE001 - it may be any
                        raise kind(text)  # noqa: B904 - its context is what is tested
        raised = draw(KINDS)(draw(TEXTS))
        raised.add_note(draw(TEXTS))
        raise raised
    except Exception as problem:  # noqa: BLE001 - it may be any
        return problem


@given(problems())
def test_outline_of_any_exception_names_its_kind_and_place_and_no_text(problem: BaseException) -> None:
    shown = outline(problem)
    assert "☐" not in shown
    assert shown.startswith(f"builtins.{type(problem).__name__}\n")
    assert "test_outline.py:" in shown
    record = logging.LogRecord("a", logging.ERROR, "", 0, "It failed.", None, (type(problem), problem, None))
    record.exc_text = "☐ kept by another handler"
    assert OutlineFormatter("%(message)s").format(record) == f"It failed.\n{shown}"


@given(problems())
def test_outline_of_causes_that_lead_in_a_circle_ends(problem: BaseException) -> None:
    again = ValueError("☐")
    again.__cause__ = problem
    problem.__context__ = again
    assert outline(again).count("\n") < 500


def test_outline_of_a_violated_constraint_names_it_and_no_value(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TEMPORARY TABLE kept (number text CONSTRAINT one_number UNIQUE)")
        with pytest.raises(psycopg.errors.UniqueViolation) as raised:
            connection.execute("INSERT INTO kept VALUES (%(number)s), (%(number)s)", {"number": "+33639985200"})
    assert "33639985200" in str(raised.value)
    shown = outline(raised.value)
    assert shown.startswith("psycopg.errors.UniqueViolation of one_number\n")
    assert "33639985200" not in shown


_ENDS = """
import sys, threading
sys.argv = ["filiation", "openapi", "/nowhere/☐"]
import service.__main__ as command

class Stays:
    def __del__(self):
        raise ValueError("☐ it stays")

def fail():
    raise ValueError("☐ in a thread")

def run_command():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    Stays()
    raise ValueError("☐ at the end")

command.run_command = run_command
command.main()
"""


def test_process_and_threads_that_end_by_an_exception_print_its_outline() -> None:
    ended = subprocess.run([sys.executable, "-c", _ENDS], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "☐" not in ended.stderr
    assert ended.stderr.count("builtins.ValueError\n") == 3
