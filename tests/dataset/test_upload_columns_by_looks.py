"""Which columns are taken for telephone numbers by their cells, in plans where short digits are numbers too.

The cases have the numbers of `tests/intake/README.md`.
"""

import pytest

from tests.builders import open_dataset
from tests.callers import Registry
from tests.dataset.files import put_file

pytestmark = pytest.mark.one_registry

# Each is a possible number of its region, and so are the digits of most other columns.
NO_TELEPHONES = [
    ("DE", "name;plz\nA;01067\nB;01069\nC;01097\n"),
    ("DE", "plz\n01067\n01069\n"),
    ("DE", "01067\n01069\n"),
    ("LU", "1234\n2345\n"),
    ("DE", "name;datum\nA;01/02/2023\nB;02/02/2023\nC;03/02/2023\n"),
    ("DE", "datum\n01/02/2023\n02/02/2023\n"),
    ("DE", "name;geboren\nA;03021983\nB;04021983\n"),
    ("AT", "name;geboren\nA;01.02.1983\nB;02.02.1983\n"),
    ("IT", "01.02.1983\n02.02.1983\n"),
    ("IT", "nome;nascita\nA;01-02-1983\nB;02-02-1983\n"),
    ("FR", "name;article\nA;0012345678905\nB;0012345678912\n"),
    ("FR", "article\n0012345678905\n0012345678912\n"),
    ("DE", "name;kundennr\nA;01234567\nB;01234568\n"),
]
TELEPHONES = [
    ("DE", "name;kontakt\nA;030 1234567\nB;0171/1234567\n", 2),
    ("DE", "datum;kontakt\n01/02/2023;030 1234567\n02/02/2023;0171 1234567\n", 2),
    ("DE", "plz;kontakt\n01067;030 1234567\n01069;+491711234567\n", 2),
    ("AT", "geboren;kontakt\n01.02.1983;01 5123456\n02.02.1983;0664 1234567\n", 2),
    ("IT", "kontakt\n06 69812345\n347 1234567\n06 69812346\n06 69812347\n06 69812348\n", 5),
    ("FR", "article;contact\n0012345678905;0639980001\n0012345678912;0033639980002\n", 2),
    # A column whose name says it is read whatever is in it.
    ("DE", "plz;telephone\n01067;030 123\n01069;030 124\n", 2),
]


def test_upload_of_postcodes_dates_and_articles_asks_for_the_column_in_every_region(registry: Registry) -> None:
    broker = registry.broker()
    answers = [
        (region, text, put_file(broker, open_dataset(broker, default_region=region), text))
        for region, text in NO_TELEPHONES
    ]
    wrong = [(region, text, answer.text) for region, text, answer in answers if "column_unclear" not in answer.text]
    assert wrong == []


def test_upload_of_numbers_beside_postcodes_dates_and_articles_reads_them(registry: Registry) -> None:
    broker = registry.broker()
    wrong = []
    for region, text, count in TELEPHONES:
        answer = put_file(broker, open_dataset(broker, default_region=region), text)
        if answer.json().get("accepted_count") != count:
            wrong.append((region, text, answer.text))
    assert wrong == []
