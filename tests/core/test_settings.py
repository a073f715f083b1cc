"""Settings: what is wrong with one is said with its full name, and never with its value."""

import pytest

from service.core.errors import ConfigurationError
from service.core.settings import read_settings


def test_read_settings_with_an_invalid_value_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILIATION_PORT", "eighty")
    with pytest.raises(ConfigurationError, match=r"Invalid value for FILIATION_PORT: Input should be a valid integer"):
        read_settings()


def test_read_settings_with_a_database_but_no_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FILIATION_MASTER_SECRET", raising=False)
    monkeypatch.delenv("FILIATION_MASTER_SECRET_FILE", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:password@database/filiation")
    with pytest.raises(ConfigurationError, match="no master secret") as refused:
        read_settings()
    assert "password@" not in str(refused.value)
