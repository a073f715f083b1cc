"""The address of a database: with any password that PostgreSQL takes, it is the one that is used; or it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import make_url

from service.core.database_address import with_password
from service.core.db import driver_url, libpq_parameters
from service.core.errors import ConfigurationError

ADDRESSES = (
    "postgresql://filiation@database/filiation",
    "postgres://filiation@database:5433/filiation?sslmode=verify-full",
    "postgresql://filiation@/filiation?host=%2Frun%2Fpostgresql",
    "postgresql:///filiation",
    "postgresql://a%40b@[::1]:5432/filiation",
)
PASSWORDS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0") | st.sampled_from("@/:%?#$&=+ '\"\\;[]"),
    min_size=1,
    max_size=80,
)


def completed(address: str, password: str) -> str:
    """The address with a password of its own variable."""
    found = with_password("DATABASE_URL", SecretStr(address), "DATABASE_PASSWORD", SecretStr(password))
    assert found is not None
    return found.get_secret_value()


def refusal(address: str, password: str | None = None) -> str:
    """Why an address is refused."""
    with pytest.raises(ConfigurationError) as refused:
        with_password(
            "DATABASE_URL", SecretStr(address), "DATABASE_PASSWORD", SecretStr(password) if password else None
        )
    return str(refused.value)


@given(st.sampled_from(ADDRESSES), PASSWORDS)
def test_any_password_reaches_both_libraries_as_it_is(address: str, password: str) -> None:
    whole = completed(address, password)
    assert driver_url(whole).password == password
    found = libpq_parameters(whole)
    assert found["password"] == password
    given = libpq_parameters(address)
    assert {name: value for name, value in found.items() if name != "password"} == given


@given(PASSWORDS)
def test_password_in_the_address_is_used_as_it_is_or_refused_without_a_word_of_it(password: str) -> None:
    address = f"postgresql://filiation:{password}@database/filiation"
    said, found = "", None
    try:
        found = with_password("DATABASE_URL", SecretStr(address), "DATABASE_PASSWORD", None)
    except ConfigurationError as problem:
        said = str(problem)
    assert len(password) < 6 or password not in said
    if found is None:
        assert said
        return
    parameters, url = libpq_parameters(found.get_secret_value()), make_url(found.get_secret_value())
    assert (parameters["host"], url.host) == ("database", "database")
    assert (parameters["dbname"], parameters["user"]) == ("filiation", "filiation")
    assert parameters["password"] == url.password


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://filiation@one,two/filiation",
        "postgresql://filiation:open-sesame@one:5432,[::1]:5433/filiation?target_session_attrs=read-write",
        "postgresql://filiation@/filiation?host=one,two",
        "postgresql://filiation@one/filiation?connect_timeout=2&hostaddr=192.0.2.1%2C192.0.2.2",
    ],
)
def test_several_hosts_are_refused(address: str) -> None:
    assert refusal(address) == (
        "DATABASE_URL names several hosts. Name one: the address that the primary server has, also after a failover."
    )


def test_two_passwords_are_refused() -> None:
    assert refusal("postgresql://filiation:one@database/filiation", "two") == (
        "DATABASE_URL has a password, and DATABASE_PASSWORD is set as well. Take the password out of DATABASE_URL."
    )


def test_password_without_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_PASSWORD is set, but DATABASE_URL is not"):
        with_password("DATABASE_URL", None, "DATABASE_PASSWORD", SecretStr("one"))


def test_address_of_another_form_is_refused() -> None:
    for address in ("database", "mysql://database/filiation", "host=database", "http://x"):
        assert refusal(address).startswith("DATABASE_URL is not an address of PostgreSQL.")
