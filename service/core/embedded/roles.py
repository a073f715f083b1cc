"""The roles of a database: who administers the server, who owns the tables, and as whom the service works.

The service reads and writes rows. It is not a superuser, owns no table, and so can neither change the schema nor read
files of the server. Migrations connect as the owner.
"""

from typing import Final

SERVICE: Final = "filiation"
OWNER: Final = "filiation_owner"
ADMINISTRATOR: Final = "postgres"

_PLAIN: Final = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"

CREATION: Final = (f"CREATE ROLE {OWNER} {_PLAIN}", f"CREATE ROLE {SERVICE} {_PLAIN}")
"""Creates both roles, without passwords. `docker-compose.yml` says the same with passwords."""

GRANTS: Final = (
    f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON TABLES TO {SERVICE}",
    f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {SERVICE}",
)
"""What the service may do with everything that its owner creates in a database. MAINTAIN is for VACUUM."""


def grants_on(major: int) -> tuple[str, ...]:
    """The same on a server of a major version. PostgreSQL 15 and 16 know no MAINTAIN, so only their owner vacuums."""
    return GRANTS if major >= 17 else tuple(grant.replace(", MAINTAIN", "") for grant in GRANTS)


def creation_of(database: str) -> str:
    """Creates the service's database."""
    return f"CREATE DATABASE {database} OWNER {OWNER}"
