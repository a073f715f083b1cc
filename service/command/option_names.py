"""Sentences of the service as the command line says them: with its options in place of parameters and fields."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from service.command.client import CommandError

_NAMES: Final = (
    "country_column|consent_state_column|consented_at_column|consent_record_id_column|column|sheet|date_format|"
    "time_zone"
)
_PARAMETER: Final = re.compile(rf"\b(?:header=(?P<header>true|false)|(?P<name>{_NAMES})=(?P<value>(?=[%a-z]))?)")
_OPTIONS_OF_FIELDS: Final = {"default_region": "--region", "holder_id": "--holder", "collection_id": "--collection"}
# The command finds out by itself in which format a file is.
_OF_HTTP: Final = re.compile(r",? with Content-Type [a-z0-9./+-]*[a-z0-9]")


def with_options(text: str) -> str:
    """A sentence of the service with options in place of parameters: `--date-format day_first`."""
    return _PARAMETER.sub(_option_of_parameter, _OF_HTTP.sub("", text))


def _option_of_parameter(found: re.Match[str]) -> str:
    if found["header"]:
        return "--header" if found["header"] == "true" else "--no-header"
    return f"--{found['name'].replace('_', '-')}{'' if found['value'] is None else ' '}"


@contextmanager
def naming_options() -> Iterator[None]:
    """Name in a refusal the options of the command instead of what only callers over HTTP can set."""
    try:
        yield
    except CommandError as refusal:
        text = with_options(str(refusal))
        if refusal.reasons:
            invalid = [f"Invalid value for {_option(at)}: {why.rstrip('.')}." for at, why in refusal.reasons.items()]
            text = " ".join(invalid)
        raise CommandError(text, refusal.problem) from None


def _option(place: str) -> str:
    """The option that stands for a field of a request, such as `body.default_region`."""
    name = place.partition(".")[2].partition(".")[0]
    return _OPTIONS_OF_FIELDS.get(name, f"--{name.replace('_', '-')}")
