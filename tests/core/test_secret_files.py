"""Secrets from the environment or from files: what is wrong with one is said in one sentence, without the secret."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.core import secret_files
from service.core.errors import ConfigurationError
from service.core.secret_files import is_secret, read_secret
from service.core.settings import Settings, read_settings, variable_of

SECRET = "ab" * 32
# The other secrets make no sense without an address.
ADDRESSES = {
    "DATABASE_URL": "postgresql://filiation@database/filiation",
    "DATABASE_OWNER_URL": "postgresql://owner@database/filiation",
}
SECRETS = sorted(variable_of(name) for name, field in Settings.model_fields.items() if is_secret(field))


@pytest.fixture
def secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the variable names, in a folder that everybody may enter."""
    for variable in SECRETS:
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "secret"
    path.touch(0o600)
    monkeypatch.setenv("FILIATION_MASTER_SECRET_FILE", str(path))
    secret_files._warn_if_public.cache_clear()
    return path


@pytest.fixture
def open_folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of that file, which everybody may enter."""
    closed = [folder for folder in (tmp_path, *tmp_path.parents) if not folder.stat().st_mode & 0o001]
    modes = {folder: folder.stat().st_mode for folder in closed}
    for folder in closed:
        folder.chmod(0o755)
    yield tmp_path
    for folder, mode in modes.items():
        folder.chmod(mode)


def complaint() -> str:
    """Why the settings are refused."""
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    sentence = str(refused.value)
    assert SECRET not in sentence
    assert "\n" not in sentence
    return sentence


def test_every_secret_is_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    for variable in SECRETS:
        secret = ADDRESSES.get(variable, SECRET)
        path.write_text(f"{secret}\n")
        path.chmod(0o400)
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv(f"{variable}_FILE", str(path))
        assert read_secret(variable) == secret
        monkeypatch.delenv(f"{variable}_FILE")
        path.unlink()


def test_settings_take_secrets_from_files(secret_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file.write_text(SECRET)
    password = tmp_path / "password"
    password.write_text("a/b c\r\n")
    monkeypatch.setenv("DATABASE_URL", ADDRESSES["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(password))
    settings = read_settings()
    assert settings.secret() == SECRET
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://filiation:a%2Fb%20c@database/filiation"


def test_line_break_at_the_end_of_a_file_does_not_count(secret_file: Path) -> None:
    for written, read in ((f"{SECRET}\n", SECRET), (f"{SECRET}\r\n", SECRET), (f" {SECRET} ", f" {SECRET} ")):
        secret_file.write_bytes(written.encode())
        assert read_secret("FILIATION_MASTER_SECRET") == read


def test_secret_in_both_places_is_refused(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file.write_text(SECRET)
    monkeypatch.setenv("FILIATION_MASTER_SECRET", SECRET)
    assert complaint() == ("FILIATION_MASTER_SECRET and FILIATION_MASTER_SECRET_FILE are both set. Keep one of them.")


def test_empty_variable_counts_as_not_set(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file.write_text(SECRET)
    monkeypatch.setenv("FILIATION_MASTER_SECRET", "")
    assert read_settings().secret() == SECRET
    monkeypatch.setenv("FILIATION_MASTER_SECRET_FILE", "")
    assert not read_settings().master_secret


def test_file_without_a_secret_is_refused(secret_file: Path) -> None:
    for content in (b"", b"\n", b"  \n"):
        secret_file.write_bytes(content)
        assert complaint() == "The file in FILIATION_MASTER_SECRET_FILE is empty. Write the secret into it."
    for content in (b"\xff", b"one\ntwo\n", b"one\rtwo", b"one\r\ntwo\r\n", b"one\n\n", b"a\0b", b"a" * 100_000):
        secret_file.write_bytes(content)
        assert complaint() == (
            "The file in FILIATION_MASTER_SECRET_FILE is not one line of text. Write only the secret into it."
        )
    secret_file.write_bytes(b"\xef\xbb\xbf" + SECRET.encode())
    assert complaint() == (
        "The file in FILIATION_MASTER_SECRET_FILE begins with a byte order mark. Save it as UTF-8 without one."
    )


def test_pipe_device_or_socket_is_refused_without_waiting_for_a_writer(
    secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_file.unlink()
    os.mkfifo(secret_file)
    reason = "The file in FILIATION_MASTER_SECRET_FILE cannot be read: It is not a regular file. Check its path"
    assert complaint().startswith(reason)
    monkeypatch.setenv("FILIATION_MASTER_SECRET_FILE", "/dev/zero")
    assert complaint().startswith(reason)


def test_file_that_cannot_be_read_is_refused(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file.unlink()
    assert "FILIATION_MASTER_SECRET_FILE cannot be read: No such file or directory. Check" in complaint()
    secret_file.mkdir()
    assert "FILIATION_MASTER_SECRET_FILE cannot be read: Is a directory. Check" in complaint()
    looped = secret_file / "loop"
    looped.symlink_to(looped)
    monkeypatch.setenv("FILIATION_MASTER_SECRET_FILE", str(looped))
    assert "FILIATION_MASTER_SECRET_FILE cannot be read: Too many levels of symbolic links. Check" in complaint()
    monkeypatch.setenv("FILIATION_MASTER_SECRET_FILE", "a" * 5000)
    assert "FILIATION_MASTER_SECRET_FILE cannot be read: File name too long. Check" in complaint()


def test_file_that_everybody_can_read_is_told_once(
    secret_file: Path, open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret_file.write_text(SECRET)
    for mode, lines in ((0o600, 0), (0o640, 0), (0o644, 1), (0o644, 1)):
        secret_file.chmod(mode)
        assert read_settings().secret() == SECRET
        assert len(caplog.messages) == lines
        if mode != 0o644:
            secret_files._warn_if_public.cache_clear()
    assert caplog.record_tuples == [
        (
            "service.core.secret_files",
            logging.WARNING,
            "Every user of this machine can read the file in FILIATION_MASTER_SECRET_FILE. Run chmod 600 on it.",
        )
    ]


def test_file_in_a_folder_that_others_may_not_enter_is_not_told(
    secret_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret_file.write_text(SECRET)
    secret_file.chmod(0o644)
    secret_file.parent.chmod(0o700)
    assert read_settings().secret() == SECRET
    assert caplog.messages == []
    assert os.access(secret_file, os.R_OK)
