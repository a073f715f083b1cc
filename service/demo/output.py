"""What the demonstration prints after its story: answers as trees, counts by origin, and keys to go on with."""

from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from service.command.answer_tree import draw
from service.demo import story
from service.demo.expected_answers import EXPECTED_ANSWERS, EXPECTED_IMPACTS, differences, impact_differences
from service.demo.loader import LoadedStory
from service.demo.progress import NAMES, format_count
from service.demo.story_types import Campaign, Transfer, e164
from service.provenance.answer.schemas import Answer
from service.provenance.lineage.schemas import ImpactOut
from service.wording.language import PARIS, Language

PHRASES: dict[Language, dict[str, str]] = {
    Language.EN: {
        "starting": "Starting the service with a database of its own in {folder}…",
        "answers": "Nine numbers, as the CNIL sees them",
        "reason": "Demonstration",
        "counts": "Whom two wordings reached, by counted numbers",
        "notice": "Notice",
        "organisations": "Organisations that received its numbers",
        "campaigns": "Campaigns sent to them",
        "reached": "{name}: {count} ({code})",
        "right": "All answers are as they should be.",
        "wrong": "not as it should be: {what}",
        "changed": "The story was changed since it was first told here, by an erasure for example: choose another "
        "folder with --data-dir to begin anew.",
        "keys": "Keys to call the service with, each for seven days",
        "for": "{name}, for {party}",
        "running": "The service is running at {url}; its interactive documentation is at {url}/docs",
        "person": "As the person: open {url}/en/ in a browser and ask about {number}; the code is shown at "
        "{url}/en/messages",
        "stop": "Ctrl-C ends it. To ask about a number: filiation lookup --url {url}",
    },
    Language.FR: {
        "starting": "Démarrage du service avec sa propre base dans {folder}…",
        "answers": "Neuf numéros, tels que la CNIL les voit",
        "reason": "Démonstration",
        "counts": "Qui deux mentions ont atteint, en numéros comptés",
        "notice": "Mention",
        "organisations": "Organismes qui ont reçu ses numéros",
        "campaigns": "Campagnes qui leur ont été envoyées",
        "reached": "{name} : {count} ({code})",
        "right": "Toutes les réponses sont celles qu'il faut.",
        "wrong": "ce n'est pas ce qu'il faut : {what}",
        "changed": "L'histoire a changé depuis qu'elle a été racontée ici, par un effacement par exemple : choisissez "
        "un autre dossier avec --data-dir pour recommencer.",
        "keys": "Des clés pour appeler le service, chacune pour sept jours",
        "for": "{name}, pour {party}",
        "running": "Le service tourne à {url} ; sa documentation interactive est à {url}/docs",
        "person": "En tant que personne : ouvrez {url}/ dans un navigateur et interrogez le {number} ; code à lire à "
        "{url}/messages",
        "stop": "Ctrl-C l'arrête. Pour interroger un numéro : filiation lookup --url {url}",
    },
}

# Collected twice, in the hands of both parties, and texted three times.
_EXAMPLE_NUMBER = "06 39 98 52 00"


def print_start(console: Console, language: Language, folder: Path) -> None:
    """Print what is happening while nothing else is to be seen."""
    console.print(Text(PHRASES[language]["starting"].format(folder=folder)), soft_wrap=True)


def print_answers(console: Console, language: Language, client: httpx2.Client, loaded: LoadedStory) -> bool:
    """Print the answer about each of the story's numbers; whether all are right."""
    console.print()
    console.print(Rule(PHRASES[language]["answers"]))
    wrong = 0
    for expected in EXPECTED_ANSWERS:
        question = {"number": e164(expected.number), "reason": PHRASES[language]["reason"]}
        answer = Answer.model_validate(_request(client, loaded, "POST", "/v1/lookups", json=question))
        console.print()
        console.print(draw(_format_number(expected.number), answer, language, zone=PARIS, sees_all=True))
        wrong += _print_differences(console, language, differences(expected, answer))
    return not wrong


def _request(client: httpx2.Client, loaded: LoadedStory, method: str, path: str, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {loaded.keys[story.CNIL.code]}"}
    return client.request(method, path, headers=headers, **options).raise_for_status().json()


def _format_number(last_digits: int) -> str:
    digits = e164(last_digits)
    return " ".join([digits[:3], digits[3], *(digits[at : at + 2] for at in range(4, 12, 2))])


def _print_differences(console: Console, language: Language, wrong: list[str]) -> int:
    for what in wrong:
        console.print(Text(PHRASES[language]["wrong"].format(what=what), style="bold red"))
    return len(wrong)


def print_impacts(console: Console, language: Language, client: httpx2.Client, loaded: LoadedStory) -> bool:
    """Print whom two notices reached, counted; whether that is right."""
    phrases = PHRASES[language]
    table = Table(phrases["notice"], phrases["organisations"], phrases["campaigns"], title=phrases["counts"])
    wrong: list[str] = []
    for expected in EXPECTED_IMPACTS:
        document = _request(client, loaded, "GET", f"/v1/notices/{loaded.ids[expected.notice]}/impact")
        impact = ImpactOut.model_validate(document)
        wrong += impact_differences(expected, impact, loaded.ids)
        table.add_row(expected.notice, _receivers(language, impact, loaded), _campaigns(language, impact))
    console.print()
    console.print(table)
    return not _print_differences(console, language, wrong)


def print_verdict(console: Console, language: Language, *, right: bool) -> None:
    """Print whether everything answered is right, or how to have it right again."""
    phrases = PHRASES[language]
    console.print(Text(phrases["right"], style="green") if right else Text(phrases["changed"], style="bold red"))


def _receivers(language: Language, impact: ImpactOut, loaded: LoadedStory) -> str:
    codes = {loaded.ids[step.received]: step.received for step in story.STORY if isinstance(step, Transfer)}
    return "\n".join(
        _format_count_of(language, one.dataset.holder.legal_name, one.number_count, codes[str(one.dataset.id)])
        for one in impact.datasets
        if one.transfer_id
    )


def _campaigns(language: Language, impact: ImpactOut) -> str:
    codes = {step.name: step.code for step in story.STORY if isinstance(step, Campaign)}
    return "\n".join(
        _format_count_of(language, one.party.legal_name, one.number_count, codes[one.campaign.name])
        for one in impact.campaigns
    )


def _format_count_of(language: Language, name: str, count: int, code: str) -> str:
    return PHRASES[language]["reached"].format(name=name, count=format_count(language, count), code=code)


def print_keys(console: Console, language: Language, url: str, loaded: LoadedStory) -> None:
    """Print a key of each organisation, and where the service is."""
    phrases = PHRASES[language]
    console.print()
    console.print(Rule(phrases["keys"]))
    for name, key in loaded.keys.items():
        processor, _, party = name.partition(" for ")
        owner = phrases["for"].format(name=NAMES[processor], party=NAMES[party]) if party else NAMES[processor]
        console.print(Text(f"{owner:<46} {key}"), soft_wrap=True)
    console.print()
    for phrase in ("running", "person", "stop"):
        console.print(Text(phrases[phrase].format(url=url, number=_EXAMPLE_NUMBER), style="bold"), soft_wrap=True)
