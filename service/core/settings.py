"""Configuration, all of it optional: without any, the service brings its own database and its own key."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.core.embedded import server as embedded_server
from service.core.errors import ConfigurationError
from service.core.resources import resource


class GatewayKind(StrEnum):
    """How messages leave: shown on this machine only, or sent through a Kannel."""

    OUTBOX = "outbox"
    KANNEL = "kannel"


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Address = Annotated[str, StringConstraints(pattern="^https?://[^/]")]
Digits = Annotated[str, StringConstraints(pattern="^[1-9][0-9]{0,14}$")]


class Settings(BaseSettings):
    """Settings from the environment. `DATABASE_URL` has the name that hosting platforms use; the rest is ours."""

    model_config = SettingsConfigDict(env_prefix="FILIATION_", populate_by_name=True, extra="ignore")

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    data_dir: Path = Field(default_factory=embedded_server.default_folder)
    master_secret: SecretStr | None = None
    master_secret_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    pool_size: int = Field(default=10, ge=1, le=200)
    max_json_bytes: int = Field(default=1024 * 1024, ge=1024)
    max_evidence_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)
    sms_gateway: GatewayKind = GatewayKind.OUTBOX
    # Leading digits of E.164, separated by commas, of the numbers that codes are sent to; None: those of
    # `verification/prefixes.py`.
    sms_prefixes: Annotated[tuple[Digits, ...] | None, NoDecode, BeforeValidator(_split)] = None
    # Messages an hour to any 10,000 numbers that differ in their last four digits only.
    sms_block_budget: int = Field(default=100, ge=1)
    # Codes an hour that one address may ask for. The address is the peer's, or the one that a proxy forwards if
    # uvicorn trusts it: FORWARDED_ALLOW_IPS names the proxies. Without that, all who come through one share this limit.
    verifications_per_address: int = Field(default=10, ge=1)
    # Where Kannel's smsbox takes messages, as whom, and the name or short code that they come from.
    kannel_url: Address | None = None
    kannel_username: str = "filiation"
    kannel_password: SecretStr | None = None
    kannel_originator: str = "Filiation"
    # Where Kannel finds this service, to report deliveries; and what it says of itself when it brings a message.
    kannel_callback_url: Address | None = None
    kannel_inbound_secret: SecretStr | None = None
    webhook_allow_private: bool = False

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

    @model_validator(mode="after")
    def _kannel_is_described(self) -> "Settings":
        given = (self.kannel_url, self.kannel_password, self.kannel_callback_url, self.kannel_inbound_secret)
        if self.sms_gateway is GatewayKind.KANNEL and not all(given):
            raise ConfigurationError(
                "Messages are to be sent through Kannel, so it must be described: set FILIATION_KANNEL_URL, "
                "FILIATION_KANNEL_PASSWORD, FILIATION_KANNEL_CALLBACK_URL and FILIATION_KANNEL_INBOUND_SECRET."
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
        return embedded_server.master_secret(self.data_dir)


def read_settings(**given: Any) -> Settings:
    """Settings from the environment, but for those that are given.

    Raises:
        ConfigurationError: a variable has no value of its kind; the value, perhaps a secret, is not repeated.
    """
    try:
        return Settings(**given)
    except ValidationError as problem:
        wrong = problem.errors(include_input=False, include_url=False, include_context=False)[0]
        field = str(wrong["loc"][0])
        name = field if field == "DATABASE_URL" else f"FILIATION_{field.upper()}"
        raise ConfigurationError(f"{name} is set to what it cannot be: {wrong['msg']}.") from None


SettingsDep = Annotated[Settings, Depends(resource(Settings))]
