"""Variables that look like a setting and are none. A misspelt one would have no effect, and nobody would notice."""

import logging
import os
from difflib import get_close_matches
from typing import Final

from service.core import secret_files
from service.core.settings import Settings, variable_of

log = logging.getLogger(__name__)

_PREFIX: Final = "FILIATION_"
_OF_CALLERS: Final = ("FILIATION_URL", "FILIATION_API_KEY")


def warn_of_unknown_settings() -> None:
    """Log each variable of this process that begins like a setting and has no effect, without its value."""
    known = [name for name in known_variables() if name.startswith(_PREFIX)]
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known:
            # The prefix, which all have in common, would make any two alike.
            near = get_close_matches(name.removeprefix(_PREFIX), [each.removeprefix(_PREFIX) for each in known], n=1)
            meant = f" Did you mean {_PREFIX}{near[0]}?" if near else ""
            log.warning("%s is not a setting, and has no effect.%s", name, meant)


def known_variables() -> list[str]:
    """Every variable that a command reads."""
    fields = Settings.model_fields
    plain = [variable_of(name) for name in fields]
    files = [variable_of(name) + secret_files.SUFFIX for name, field in fields.items() if secret_files.is_secret(field)]
    return [*plain, *files, *_OF_CALLERS]
