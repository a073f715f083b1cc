"""Configuration, all of it optional: without any, the service brings its own database and its own key."""

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from service.core import secret_files
from service.core.database_address import with_password
from service.core.embedded import server as embedded_server
from service.core.errors import ConfigurationError
from service.core.resources import resource
from service.core.setting_types import ORIGINATOR, GatewayKind, HostAndPort, LeadingDigits, split
from service.core.time_limits import TimeLimits

_PREFIX: Final = "FILIATION_"


class Settings(BaseSettings):
    """Settings from the environment. `DATABASE_URL` has the name that hosting platforms use.

    `docs/settings.md` is made of the descriptions; `default_in_words` stands there for a default that is not a value.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, populate_by_name=True, extra="ignore")

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="Address of the PostgreSQL database (15 or newer): postgresql://role:password@host/database, with "
        "options of libpq. Without it, the service runs its own server in the data folder. With it, a master secret "
        "must be set.",
    )
    database_password: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_PASSWORD",
        description="Password for `DATABASE_URL`, which then has none itself. Here it needs no percent-encoding.",
    )
    database_owner_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_OWNER_URL",
        description="The same database for the role that owns its tables, which `filiation migrate` alone connects as.",
        json_schema_extra={"default_in_words": "`DATABASE_URL`, whose role then owns the tables"},
    )
    database_owner_password: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_OWNER_PASSWORD",
        description="The same for `DATABASE_OWNER_URL`.",
    )
    data_dir: Path = Field(
        default_factory=embedded_server.default_folder,
        description="Folder for the service's own database and its own master secret, where these are not set.",
        json_schema_extra={
            "default_in_words": "`/var/lib/filiation` for root, otherwise `filiation` in `XDG_DATA_HOME` or "
            "`~/.local/share`"
        },
    )
    master_secret: SecretStr | None = Field(
        default=None,
        description="Master secret: 32 random bytes in hexadecimal, for example from `openssl rand -hex 32`. All keys "
        "are derived from it. With it and the database, every number can be read; without it, none. Keep a copy "
        "outside the database and its backups.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the service listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that it listens on; 0 takes any free port.")
    pool_size: int = Field(
        default=10,
        ge=1,
        le=200,
        description="Database connections that each process keeps. Under load it opens as many again.",
    )
    unsealed_kept_days: int = Field(
        default=30,
        ge=1,
        description="Days after the last upload for which the numbers of a dataset that is not sealed, or of a file "
        "that is not compared, are kept.",
    )
    open_kept_days: int = Field(
        default=90,
        ge=1,
        description="Days after its registration, or the last upload, for which a dataset that is not sealed is kept "
        "itself. Then it is thrown away.",
    )
    past_copies_kept_days: int = Field(
        default=1096,
        ge=1,
        description="Days for which the stored copy of a holding that ended, or of a dataset that was withdrawn, "
        "serves the numbers' persons and the authority.",
    )
    request_statement_seconds: float = Field(
        default=120,
        gt=0,
        description="Seconds after which PostgreSQL ends a statement of a request, or its transaction if that is idle.",
    )
    request_lock_seconds: float = Field(
        default=60, gt=0, description="Seconds for which a statement of a request waits for a lock."
    )
    job_statement_seconds: float = Field(
        default=3600, gt=0, description="The same for jobs and tasks in the background, which read and write much."
    )
    job_lock_seconds: float = Field(
        default=900, gt=0, description="Seconds for which a statement of a job waits for a lock."
    )
    migration_statement_seconds: float = Field(
        default=600, gt=0, description="Seconds after which PostgreSQL ends a statement of a migration."
    )
    migration_lock_seconds: float = Field(
        default=5,
        gt=0,
        description="Seconds for which a migration waits for a lock, while all who come after it wait too.",
    )
    disk_path: Path | None = Field(
        default=None,
        description="A folder on the disk of the database, whose free space is watched.",
        json_schema_extra={"default_in_words": "the service's own database; none where `DATABASE_URL` is set"},
    )
    disk_reserve_bytes: int = Field(
        default=2 * 1024**3,
        ge=0,
        description="Free space of that disk in bytes below which new files and facts are refused.",
    )
    sweep_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds between two searches of a worker for work that was left behind.",
    )
    heartbeat_seconds: float = Field(
        default=10,
        gt=0,
        description="Seconds between two signs of life of a worker. After three are missing, it counts as dead, and "
        "others do its work.",
    )
    worker_life_path: Path | None = Field(
        default=None,
        description="File that `filiation worker` touches every second for as long as it is alive, for a health check. "
        "Each worker needs its own.",
        json_schema_extra={"default_in_words": "none"},
    )
    max_connections: int = Field(
        default=1000,
        ge=16,
        description="Connections of clients to each process. A further one takes the place of the longest idle one. "
        "It is less where the system allows fewer open files.",
    )
    max_requests: int = Field(
        default=256,
        ge=1,
        description="Requests that each process serves at one time. Further ones get 503. An organisation gets 429 "
        "beyond half of them. As many more may be receiving their bodies; beyond, the slowest ends.",
    )
    streams_at_once: int = Field(
        default=20, ge=1, description="Event streams that an organisation may have open, for each process."
    )
    max_json_bytes: int = Field(
        default=1024 * 1024, ge=1024, description="Largest JSON body in bytes. Parts of a dataset have no such limit."
    )
    max_evidence_bytes: int = Field(
        default=10 * 1024 * 1024, ge=1024, description="Largest file of evidence (an image or a PDF) in bytes."
    )
    reader_processes: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Reader processes that read uploaded parts and evidence at the same time, for each process of the "
        "service. Eight times as many may wait for slow clients.",
        json_schema_extra={"default_in_words": "the number of processor cores"},
    )
    reader_memory_mib: int = Field(
        default=256,
        ge=200,
        le=4096,
        description="Memory of a reader process in MiB. A part that needs more is refused.",
    )
    rejects_kept_per_part: int = Field(
        default=100_000,
        ge=0,
        le=10_000_000,
        description="Rejected lines that are kept of a part, with their reasons and texts. Further ones are counted.",
    )
    sms_gateway: GatewayKind = Field(
        default=GatewayKind.OUTBOX,
        description="How messages leave: `outbox` shows them on this machine only, `kannel` sends them.",
    )
    sms_prefixes: Annotated[tuple[LeadingDigits, ...] | None, NoDecode, BeforeValidator(split)] = Field(
        default=None,
        description="Leading digits, in E.164 form and separated by commas, of the numbers that codes are sent to.",
        json_schema_extra={"default_in_words": "mobile numbers of France and its overseas territories"},
    )
    sms_block_budget: int = Field(
        default=100,
        ge=1,
        description="Codes in an hour to any one block of 10,000 numbers that differ in their last four digits only.",
    )
    verifications_per_address: int = Field(
        default=10,
        ge=1,
        description="Codes in an hour that one address may ask for. Behind a proxy, all callers share this limit "
        "unless `FORWARDED_ALLOW_IPS` names the proxy.",
    )
    codes_per_network: int = Field(
        default=200,
        ge=1,
        description="Codes in an hour that one network may ask for: the first 24 bits of an IPv4 address, the first 48 "
        "of an IPv6 address. The operator gets an alert.",
    )
    codes_per_hour: int = Field(
        default=2000,
        ge=1,
        description="Codes that are sent in an hour in all. From four fifths on, the operator gets an alert, "
        "`/readyz` warns, and only networks that asked for fewer than three in 24 hours get one, at an even pace.",
    )
    codes_per_day: int = Field(default=20_000, ge=1, description="Codes that are sent in 24 hours in all, likewise.")
    person_wait_seconds: float = Field(
        default=0.3,
        ge=0,
        le=5,
        description="What is sent to a person takes a multiple of so many seconds, so that the time does not show "
        "whether a number is held. Nearly every answer should be made within it.",
    )
    objections_per_day: int = Field(
        default=5000,
        ge=1,
        description="Objections that an organisation may record for others in a day (UTC). One in a hundred numbers of "
        "its largest released dataset may object in a day, if that is more.",
    )
    organisations_per_day: int = Field(
        default=1000, ge=1, description="Organisations that an organisation may register in a day (UTC)."
    )
    reports_per_day: int = Field(
        default=50_000,
        ge=1,
        description="Numbers that an organisation may report as objecting in a day (UTC), whatever comes of each.",
    )
    bytes_per_day: int = Field(
        default=50_000_000_000, ge=1, description="Bytes that an organisation may upload in a day (UTC)."
    )
    lines_per_day: int = Field(
        default=200_000_000,
        ge=1,
        description="Lines that an organisation may upload in a day (UTC). A base of 29 million numbers fits in six "
        "times.",
    )
    staged_numbers: int = Field(
        default=100_000_000,
        ge=1,
        description="Uploaded numbers that an organisation may have in datasets that are not sealed. Uploads at the "
        "same time may each exceed it by a million.",
    )
    datasets_per_day: int = Field(
        default=2000, ge=1, description="Datasets that an organisation may register in a day (UTC)."
    )
    open_datasets: int = Field(
        default=500, ge=1, description="Datasets that an organisation may have open, which are not sealed."
    )
    webhooks_per_day: int = Field(
        default=100, ge=1, description="Webhooks that an organisation may register in a day (UTC)."
    )
    lookups_per_day: int = Field(
        default=100_000,
        ge=1,
        description="Numbers that an organisation may look up in a day (UTC). A process counts them in portions of a "
        "thousandth of the limit, at most 100. With several processes the last portions may stay unused.",
    )
    lookups_per_second: int = Field(
        default=100,
        ge=1,
        description="Numbers that a key may look up in a second, for each process. After a pause it may look up at "
        "once what this gives in ten seconds.",
    )
    keys_at_once: int = Field(
        default=50, ge=1, description="Valid API keys that an organisation may have. Beyond, none can be rotated."
    )
    usage_jump_factor: int = Field(
        default=10,
        ge=1,
        description="The operator gets an alert when an organisation does this many times more in a day than usual.",
    )
    usage_jump_numbers: int = Field(
        default=10_000, ge=1, description="Sealed numbers in a day below which there is no alert."
    )
    usage_jump_objections: int = Field(
        default=200, ge=1, description="Objections recorded in a day below which there is no alert."
    )
    kannel_address: HostAndPort | None = Field(
        default=None,
        description="Where Kannel's bearerbox takes its boxes: host and `smsbox-port`, such as `kannel:13001`. Only "
        "this service may reach it, because it asks for no password.",
    )
    kannel_originator: str = Field(
        default="Filiation",
        description="Originator of messages: a number or short code, or a name of at most 11 unaccented letters, "
        "digits, blanks and `.&'-` that begins with a letter.",
    )
    changes_kept_days: int = Field(
        default=90, ge=1, description="Days for which the record of changes is kept, from which feeds are read."
    )
    webhook_allow_private: bool = Field(
        default=False,
        description="Lets webhooks call private addresses and use plain http. Only for tests and intranets.",
    )

    @model_validator(mode="after")
    def _require_secret_for_external_database(self) -> "Settings":
        # A key generated beside a remote database would be lost with the machine, and every number with it.
        if self.database_url and not self.master_secret:
            raise ConfigurationError(
                "DATABASE_URL is set, but no master secret. Set FILIATION_MASTER_SECRET_FILE or "
                "FILIATION_MASTER_SECRET to 32 random bytes in hexadecimal, for example from `openssl rand -hex 32`. "
                "Keep the secret outside the database."
            )
        return self

    @model_validator(mode="after")
    def _require_address_of_kannel(self) -> "Settings":
        if self.sms_gateway is GatewayKind.KANNEL and not self.kannel_address:
            raise ConfigurationError(
                "FILIATION_SMS_GATEWAY is kannel, but FILIATION_KANNEL_ADDRESS is not set. Set it to the host and port "
                "of Kannel's bearerbox, such as kannel:13001."
            )
        return self

    @model_validator(mode="after")
    def _require_originator_of_messages(self) -> "Settings":
        if not ORIGINATOR.fullmatch(self.kannel_originator):
            raise ConfigurationError(
                "FILIATION_KANNEL_ORIGINATOR is neither a number of 3 to 15 digits nor a name that every telephone "
                "shows. Set a name of at most 11 unaccented letters, digits, blanks and .&'- that begins with a letter."
            )
        return self

    @model_validator(mode="after")
    def _put_passwords_into_addresses(self) -> "Settings":
        self.database_url = with_password(
            "DATABASE_URL", self.database_url, "DATABASE_PASSWORD", self.database_password
        )
        self.database_owner_url = with_password(
            "DATABASE_OWNER_URL", self.database_owner_url, "DATABASE_OWNER_PASSWORD", self.database_owner_password
        )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secrets by our own rules, and the rest from the environment."""
        del dotenv_settings, file_secret_settings
        return init_settings, secret_files.Source(settings_cls), env_settings

    def request_limits(self) -> TimeLimits:
        """The limits of connections that answer requests."""
        return TimeLimits(self.request_statement_seconds, self.request_lock_seconds)

    def job_limits(self) -> TimeLimits:
        """The limits of connections that work in the background."""
        return TimeLimits(self.job_statement_seconds, self.job_lock_seconds)

    def migration_limits(self) -> TimeLimits:
        """The limits of the connection that migrates."""
        return TimeLimits(self.migration_statement_seconds, self.migration_lock_seconds)

    def secret(self) -> str:
        """The master secret as text: as set, or the data folder's own (made at first use)."""
        if self.master_secret:
            return self.master_secret.get_secret_value().strip()
        return embedded_server.master_secret(self.data_dir)


def variable_of(field: str) -> str:
    """The environment variable of a setting."""
    return secret_files.variable_of(Settings, field)


def read_settings(**given: Any) -> Settings:
    """Settings from the environment, except those that are given.

    Raises:
        ConfigurationError: a variable has an invalid value. The value, which may be a secret, is not repeated.
    """
    try:
        return Settings(**given)
    except ValidationError as problem:
        wrong = problem.errors(include_input=False, include_url=False, include_context=False)[0]
        location = str(wrong["loc"][0])
        name = variable_of(location) if location in Settings.model_fields else location
        reason = str(wrong["msg"]).removeprefix("Value error, ")
        raise ConfigurationError(f"Invalid value for {name}: {reason}.") from None


SettingsDep = Annotated[Settings, Depends(resource(Settings))]
