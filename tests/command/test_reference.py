"""The pages of `docs/` that are generated from the code are those that the code generates now."""

import re
from pathlib import Path

from service.command.reference import retention_page, settings_page
from service.core.secret_files import is_secret
from service.core.settings import Settings, variable_of

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_settings_page_is_generated_from_the_code() -> None:
    assert (DOCS / "settings.md").read_text("utf-8") == settings_page(), "run `make openapi`"


def test_retention_page_is_generated_from_the_code() -> None:
    assert (DOCS / "retention.md").read_text("utf-8") == retention_page(), "run `make openapi`"


def test_settings_page_describes_every_setting_by_its_full_name() -> None:
    page = settings_page()
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]
    missing = [name for name in map(variable_of, Settings.model_fields) if f"| `{name}` " not in page]
    assert (undescribed, missing) == ([], [])


def test_settings_named_elsewhere_exist() -> None:
    """A variable that a text, a file or a message names is one that is read, or the command's own."""
    secrets = {variable_of(name) for name, field in Settings.model_fields.items() if is_secret(field)}
    secrets.add("FILIATION_API_KEY")
    known = {*map(variable_of, Settings.model_fields), *secrets, *(f"{name}_FILE" for name in secrets), "FILIATION_URL"}
    root = DOCS.parent
    files = [*root.glob("*.md"), *DOCS.glob("*.md"), root / "docker-compose.yml", root / "Dockerfile"]
    files += [*(root / "service").rglob("*.py")]
    wrong = [
        (file.name, name)
        for file in files
        for name in re.findall(r"(?<![_A-Z])FILIATION_[A-Z_]*[A-Z]", file.read_text("utf-8"))
        if name not in known
    ]
    assert wrong == []
