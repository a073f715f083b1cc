"""Configuration, all of it optional: without any, the service brings its own database and its own key."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.core import embedded
from service.core.errors import ConfigurationError


class Settings(BaseSettings):
    """Settings from the environment. `DATABASE_URL` has the name that hosting platforms use; the rest is ours."""

    model_config = SettingsConfigDict(env_prefix="FILIATION_", populate_by_name=True, extra="ignore")

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    data_dir: Path = Field(default_factory=embedded.default_folder)
    master_secret: SecretStr | None = None
    master_secret_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    pool_size: int = Field(default=10, ge=1, le=200)
    max_json_bytes: int = Field(default=1024 * 1024, ge=1024)
    max_evidence_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)

    @model_validator(mode="after")
    def _an_external_database_needs_an_external_key(self) -> "Settings":
        # A key generated beside a remote database would be lost with the machine, and every number with it.
        if self.database_url and not (self.master_secret or self.master_secret_file):
            raise ConfigurationError(
                "DATABASE_URL is set, so the master secret must be given too: set FILIATION_MASTER_SECRET_FILE "
                "(or FILIATION_MASTER_SECRET) to 32 random bytes in hexadecimal, for example from "
                "`openssl rand -hex 32`, and keep it outside the database."
            )
        return self

    def secret(self) -> str:
        """The master secret as text: given, read from its file, or the data folder's own (made at first use)."""
        if self.master_secret:
            return self.master_secret.get_secret_value()
        if self.master_secret_file:
            try:
                return self.master_secret_file.read_text().strip()
            except OSError as problem:
                raise ConfigurationError(
                    f"The master secret file cannot be read: {problem.strerror}. Check FILIATION_MASTER_SECRET_FILE."
                ) from problem
        return embedded.master_secret(self.data_dir)
