"""`openapi`: the OpenAPI document, generated from the code."""

import json
from pathlib import Path
from typing import Annotated

import typer

from service.core.settings import Settings
from service.main import create_app


def openapi_text() -> str:
    """The OpenAPI 3.1 document as it is committed."""
    # The document does not depend on the database, which is not opened.
    document = create_app(Settings.model_construct(), "postgresql://").openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_openapi(
    output: Annotated[Path | None, typer.Argument(help="File to write. Default: standard output.")] = None,
) -> None:
    """Print the OpenAPI document."""
    if output is None:
        typer.echo(openapi_text(), nl=False)
    else:
        output.write_text(openapi_text(), encoding="utf-8")
