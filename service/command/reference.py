"""Pages of `docs/` that are generated from the code: the settings, and what is deleted after which time."""

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import service.main
from service.command.client import KEY_VARIABLE, URL_VARIABLE
from service.core.retention import Rule, rules
from service.core.secret_files import SUFFIX, is_secret
from service.core.settings import Settings, variable_of

Output = Annotated[Path | None, typer.Argument(help="File to write. Default: standard output.")]

_SETTINGS: Final = """\
# Settings

`make openapi` generates this page from `service/core/settings.py`. Every setting is an environment variable. None is
required by itself: without any, the service runs its own database and makes its own master secret. No secret has a
default. Each secret may stand in a file instead, which another variable names: `FILIATION_MASTER_SECRET_FILE` for
`FILIATION_MASTER_SECRET`, for example `/run/secrets/…` with Docker or `%d/…` with `LoadCredential=` of systemd. A line
break at its end does not count. Only the service should be able to read the file.

{settings}

Three more variables are read elsewhere:

{others}
"""


def _or_file(secret: str) -> str:
    return f"`{secret}` or `{secret}{SUFFIX}`"


_OTHERS: Final = (
    (
        _or_file(KEY_VARIABLE),
        "–",
        "API key for `filiation lookup` and `filiation dataset`. Without it they ask for the key.",
    ),
    (f"`{URL_VARIABLE}`", "`http://127.0.0.1:8000`", "Address of the service for the same commands."),
    (
        "`FORWARDED_ALLOW_IPS`",
        "`127.0.0.1`",
        "Addresses of the proxies, separated by commas, that may name the address of a caller (uvicorn).",
    ),
)

_RETENTION: Final = """\
# Retention

`make openapi` generates this page from the rules in the code. The registry deletes what has served its purpose
(GDPR Art. 5(1)(e)).

{rules}

Everything else stays: facts are never overwritten, and objections keep a mark of the number for as long as they count.
A number leaves the stored datasets by erasure. [Architecture](architecture.md) says how.
"""


def settings_page() -> str:
    """`docs/settings.md`."""
    rows = [
        (_variable(name, field), _default_of(field), str(field.description))
        for name, field in Settings.model_fields.items()
    ]
    head = ("variable", "default", "meaning")
    return _SETTINGS.format(settings=_table(head, rows), others=_table(head, _OTHERS))


def _variable(name: str, field: FieldInfo) -> str:
    return _or_file(variable_of(name)) if is_secret(field) else f"`{variable_of(name)}`"


def _default_of(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "default_in_words" in extra:
        return str(extra["default_in_words"])
    value: Any = field.default
    if value is None or isinstance(value, SecretStr):
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def retention_page() -> str:
    """`docs/retention.md`. The rules are those of all packages, which `service.main` imports."""
    assert service.main.ROUTERS
    # Rules are declared in the order in which modules are imported, which is not always the same.
    rows = sorted((_data_of(rule), _period_of(rule), rule.since) for rule in rules())
    return _RETENTION.format(rules=_table(("what", "deleted after", "counted from"), rows))


def _data_of(rule: Rule) -> str:
    table = f"`{rule.table.__tablename__}`" if rule.emptied is None else f"`{rule.table.__tablename__}.{rule.emptied}`"
    return f"{rule.data} ({table})"


def _period_of(rule: Rule) -> str:
    period = _period(rule.kept)
    return period if rule.setting is None else f"{period}, or as `{variable_of(rule.setting)}` says"


def _period(kept: timedelta) -> str:
    if not kept:
        return "at once"
    size, unit = (kept.days, "day") if kept.days else (int(kept.total_seconds() // 60), "minute")
    return f"{size} {unit}{'' if size == 1 else 's'}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in lines)


def write_settings(output: Output = None) -> None:
    """Print every setting: its variable, its default and its meaning."""
    _write(settings_page(), output)


def write_retention(output: Output = None) -> None:
    """Print what the registry deletes by itself, and after which time."""
    _write(retention_page(), output)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
