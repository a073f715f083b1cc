"""Files in other formats than those that are read are named, and what programs add to a list is left out.

The cases have the numbers of `tests/intake/README.md`.
"""

import json

import pytest

from tests.builders import open_dataset
from tests.callers import Registry
from tests.dataset.files import CSV, NDJSON, PARQUET, refused, rejects, stored, taken

pytestmark = pytest.mark.one_registry

NUMBERS = ["+33639980001", "+33639980002"]
LINES = "nom;telephone\nZoé;0639980001\nLéo;0639980002\n"
OBJECTS = [{"phone": "0639980001"}, {"phone": "0639980002"}]

OTHER_FORMATS: list[tuple[bytes | str, str, str, str]] = [
    ("[\n" + ",\n".join(map(json.dumps, OBJECTS)) + "\n]", NDJSON, "not_ndjson", "JSON array"),
    (json.dumps(OBJECTS), NDJSON, "not_ndjson", "JSON array"),
    (json.dumps(OBJECTS), CSV, "not_ndjson", "JSON array"),
    (json.dumps(OBJECTS[0], indent=2), NDJSON, "not_ndjson", "several lines"),
    ("\n".join(map(json.dumps, OBJECTS)), CSV, "wrong_format", "application/x-ndjson"),
    ("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zoé\r\nTEL:+33639980001\r\nEND:VCARD\r\n", CSV, "wrong_format", "vCard"),
    ("\n<html><body><table><tr><td>0639980001</td></tr></table></body></html>", CSV, "wrong_format", "HTML"),
    ("<!DOCTYPE html>\n<table><tr><td>0639980001</td></tr></table>", CSV, "wrong_format", "HTML"),
    ("<table border=1><tr><td>0639980001</td></tr></table>", CSV, "wrong_format", "HTML"),
    (
        '<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>',
        CSV,
        "wrong_format",
        "XML spreadsheet",
    ),
    ('<?xml version="1.0"?>\n<contacts><tel>0639980001</tel></contacts>', CSV, "wrong_format", "XML"),
    (r"{\rtf1\ansi 0639980001\par}", CSV, "wrong_format", "RTF"),
    *(
        (dump, media_type, "wrong_format", "CSV HEADER")
        for media_type in (CSV, NDJSON)
        for dump in (
            "INSERT INTO contacts (id, phone) VALUES (1,'0639980001');\nINSERT INTO contacts VALUES (2,'1');\n",
            "-- MySQL dump 10.13  Distrib 8.0\n--\n\n/*!40101 SET NAMES utf8 */;\n",
            "-- phpMyAdmin SQL Dump\n-- version 5.2\n",
            "DROP TABLE IF EXISTS `c`;\nCREATE TABLE `c` (`phone` text);\nINSERT INTO `c` VALUES ('0639980001');\n",
            "SET statement_timeout = 0;\n\nCOPY public.contacts (id, phone) FROM stdin;\n1\t0639980001\n\\.\n",
            "INSERT [dbo].[Contacts] ([Phone]) VALUES (N'0639980001')\r\n",
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n",
        )
    ),
    ("SQLite format 3\0", CSV, "wrong_format", "SQLite"),
    (LINES.encode("utf-32"), CSV, "wrong_format", "UTF-32"),
    (LINES.encode("utf-32-be"), CSV, "wrong_format", "UTF-32"),
    (LINES, PARQUET, "wrong_format", "text/csv"),
    (b"PK\x03\x04" + bytes(60), PARQUET, "wrong_format", "Excel workbook"),
    (("<html>" + LINES).encode("utf-16"), CSV, "wrong_format", "HTML"),
]


def test_upload_of_another_format_names_it_and_says_what_to_do(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    wrong = []
    for content, media_type, slug, word in OTHER_FORMATS:
        found, detail = refused(broker, dataset, content, media_type=media_type)
        if found != slug or word not in detail or "0639980001" in detail:
            wrong.append((content[:40], found, detail))
    assert wrong == []


def test_upload_reads_past_what_programs_add_to_a_list(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    objects = "\n".join(map(json.dumps, OBJECTS))
    wrong = []
    for content, media_type in (
        (LINES + "\x1a", CSV),
        (LINES.replace("\n", "\r\n") + "\x1a\r\n", CSV),
        (LINES.rstrip("\n") + "\x1a", CSV),
        (LINES.rstrip("\n") + "\x1a\x1a", CSV),
        (objects + "\n\x1a", NDJSON),
        ("sep=;\n" + LINES, CSV),
        ("\ufeffsep=;\r\n" + LINES.replace("\n", "\r\n"), CSV),
        ('"sep=;"\n' + LINES, CSV),
        ("SEP=,\n" + LINES.replace(";", ","), CSV),
        ("sep=\t\n" + LINES.replace(";", "\t"), CSV),
        ("sep=;\nnom;coordonnées\nZoé;0639980001\nLéo;0639980002\n", CSV),
    ):
        dataset = open_dataset(broker)
        part = taken(broker, dataset, content, media_type=media_type)
        if sorted(stored(dsn, dataset)) != NUMBERS or part["line_count"] != 2:
            wrong.append((content[:20], part, rejects(broker, dataset)))
    assert wrong == []


def test_upload_line_numbers_count_the_line_that_states_the_delimiter(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, "sep=;\n" + LINES + "Eva;néant\n")
    assert rejects(broker, dataset) == [(1, 5, "not_a_number")]
