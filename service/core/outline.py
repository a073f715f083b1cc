"""Exceptions as a log may have them: their kinds and places. Their texts may quote a row, a parameter or a file."""

import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Final

# More than these say nothing that the first and the last do not say.
_MOST_CAUSES: Final = 10
_MOST_PLACES: Final = 40


def outline(problem: BaseException) -> str:
    """The kind of an exception and the places that it passed, then the same of its causes. It has several lines.

    Of an error of PostgreSQL, the name of the constraint is part of the kind.
    """
    lines: list[str] = []
    for count, (place, found) in enumerate(_with_causes(problem, "")):
        if count == _MOST_CAUSES:
            lines.append("(more causes)")
            break
        lines += [f"{place}{_kind(found)}", *_places(found.__traceback__)]
    return "\n".join(lines)


def _with_causes(problem: BaseException, said: str) -> Iterator[tuple[str, BaseException]]:
    seen: set[int] = set()
    waiting = [(said, problem)]
    while waiting:
        place, found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield place, found
        if isinstance(found, BaseExceptionGroup):
            waiting += [("with ", part) for part in found.exceptions]
        if found.__cause__ is not None:
            waiting.append(("caused by ", found.__cause__))
        elif found.__context__ is not None and not found.__suppress_context__:
            waiting.append(("during ", found.__context__))


def _kind(problem: BaseException) -> str:
    kind = type(problem)
    constraint = getattr(getattr(problem, "diag", None), "constraint_name", None)
    of = f" of {constraint}" if isinstance(constraint, str) else ""
    return f"{kind.__module__}.{kind.__qualname__}{of}"


def _places(trace: TracebackType | None) -> list[str]:
    found = [
        f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}" for frame, line in traceback.walk_tb(trace)
    ]
    half = _MOST_PLACES // 2
    return found if len(found) <= _MOST_PLACES else [*found[:half], "  (more places)", *found[-half:]]


def print_outlines() -> None:
    """Let what ends this process or a thread of it, and what cannot be raised, print outlines instead of tracebacks."""
    sys.excepthook = _on_end
    threading.excepthook = _on_end_of_thread
    sys.unraisablehook = _on_unraisable


def _on_end(_: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    _print(problem.with_traceback(trace))


def _on_end_of_thread(end: threading.ExceptHookArgs) -> None:
    if end.exc_value is not None:
        _print(end.exc_value)


def _on_unraisable(found: "sys.UnraisableHookArgs") -> None:
    if found.exc_value is not None:
        _print(found.exc_value)


def _print(problem: BaseException) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{outline(problem)}\n")
