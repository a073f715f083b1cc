"""What the demonstration prints after the story: answers as trees, an impact table, and keys to continue with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from service.command.answer_tree import draw_answer
from service.demo import story
from service.demo.expected_answers import EXPECTED_ANSWERS, EXPECTED_IMPACTS, differences, impact_differences
from service.demo.loader import LoadedStory
from service.demo.progress import NAMES
from service.demo.story_types import Campaign, Transfer, e164
from service.provenance.answer.schemas import Answer
from service.provenance.lineage.schemas import ImpactOut
from service.wording.language import PARIS, Language, write_count
from service.wording.typography import typeset_catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPhrases:
    """The texts in one language, with the values to fill in."""

    starting: str
    ignored: str
    answers: str
    reason: str
    impact: str
    notice: str
    organisations: str
    campaigns: str
    counted: str
    all_right: str
    difference: str
    changed: str
    keys: str
    acting_for: str
    running: str
    person: str
    stop: str


_ENGLISH = OutputPhrases(
    starting="Starting the service with its own database in {folder}…",
    ignored="Not read here: {names}. The demonstration stays apart from a registry in use.",
    answers="Nine numbers, as the CNIL sees them",
    reason="Demonstration",
    impact="Impact of two notices, in numbers",
    notice="Notice",
    organisations="Organisations that received its numbers",
    campaigns="Campaigns sent to them",
    counted="{name}: {count} ({code})",
    all_right="All answers are as expected.",
    difference="not as expected: {difference}",
    changed="The data was changed after the story was loaded, for example by an erasure. To start again, choose "
    "another folder with --data-dir.",
    keys="API keys for the service, each valid for seven days",
    acting_for="{name}, for {party}",
    running="The service is running at {url}; its interactive documentation is at {url}/docs",
    person="To see the person's pages, open {url}/en/ in a browser and ask about {number}. The code is shown at "
    "{url}/en/messages",
    stop="Stop it with Ctrl-C. To ask about a number, run: filiation lookup --url {url}",
)

_FRENCH = OutputPhrases(
    starting="Démarrage du service avec sa propre base de données dans {folder}…",
    ignored="Ignoré ici : {names}. La démonstration reste à l'écart d'un registre en service.",
    answers="Neuf numéros, tels que la CNIL les voit",
    reason="Démonstration",
    impact="Portée de deux mentions, en nombre de numéros",
    notice="Mention",
    organisations="Organismes qui ont reçu ses numéros",
    campaigns="Campagnes qui leur ont été envoyées",
    counted="{name} : {count} ({code})",
    all_right="Toutes les réponses sont celles attendues.",
    difference="ce n'est pas la réponse attendue : {difference}",
    changed="Les données ont changé depuis le chargement de l'histoire, par un effacement par exemple. Pour "
    "recommencer, choisissez un autre dossier avec --data-dir.",
    keys="Clés d'API du service, chacune valable sept jours",
    acting_for="{name}, pour {party}",
    running="Le service fonctionne à l'adresse {url} ; sa documentation interactive est à l'adresse {url}/docs",
    person="Pour voir les pages de la personne, ouvrez {url}/ dans un navigateur et interrogez le {number}. Le code "
    "s'affiche à l'adresse {url}/messages",
    stop="Arrêtez-le avec Ctrl-C. Pour interroger un numéro, lancez : filiation lookup --url {url}",
)

PHRASES: Final = typeset_catalogue(fr=_FRENCH, en=_ENGLISH)
"""The texts by language, typeset."""

# Collected twice, held by both parties, and texted three times.
_EXAMPLE_NUMBER = "06 39 98 52 00"


def print_start(console: Console, language: Language, folder: Path, ignored: Sequence[str]) -> None:
    """Print what happens before the first step of the story, and which variables are set but `ignored`."""
    phrases = PHRASES.of(language)
    if ignored:
        console.print(Text(phrases.ignored.format(names=", ".join(ignored))), soft_wrap=True)
    console.print(Text(phrases.starting.format(folder=folder)), soft_wrap=True)


def print_answers(console: Console, language: Language, client: httpx2.Client, loaded: LoadedStory) -> bool:
    """Print the answer about each number of the story. Returns whether all are as expected."""
    console.print()
    console.print(Rule(PHRASES.of(language).answers))
    all_right = True
    for expected in EXPECTED_ANSWERS:
        question = {"number": e164(expected.number), "reason": PHRASES.of(language).reason}
        answer = Answer.model_validate(_request(client, loaded, "POST", "/v1/lookups", json=question))
        console.print()
        title, width = _format_number(expected.number), console.width
        console.print(draw_answer(title, answer, language, zone=PARIS, width=width, sees_all=True))
        all_right &= _print_differences(console, language, differences(expected, answer))
    return all_right


def _request(client: httpx2.Client, loaded: LoadedStory, method: str, path: str, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {loaded.keys[story.CNIL.code]}"}
    return client.request(method, path, headers=headers, **options).raise_for_status().json()


def _format_number(last_digits: int) -> str:
    digits = e164(last_digits)
    return " ".join([digits[:3], digits[3], *(digits[at : at + 2] for at in range(4, 12, 2))])


def _print_differences(console: Console, language: Language, found: Sequence[str]) -> bool:
    """Print each difference from what was expected. Returns whether there is none."""
    for difference in found:
        console.print(Text(PHRASES.of(language).difference.format(difference=difference), style="bold red"))
    return not found


def print_impacts(console: Console, language: Language, client: httpx2.Client, loaded: LoadedStory) -> bool:
    """Print which organisations and campaigns two notices reached. Returns whether that is as expected."""
    phrases = PHRASES.of(language)
    table = Table(phrases.notice, phrases.organisations, phrases.campaigns, title=phrases.impact)
    found: list[str] = []
    for expected in EXPECTED_IMPACTS:
        document = _request(client, loaded, "GET", f"/v1/notices/{loaded.ids[expected.notice]}/impact")
        impact = ImpactOut.model_validate(document)
        found += impact_differences(expected, impact, loaded.ids)
        table.add_row(expected.notice, _recipients(language, impact, loaded), _campaigns(language, impact))
    console.print()
    console.print(table)
    return _print_differences(console, language, found)


def print_verdict(console: Console, language: Language, *, all_right: bool) -> None:
    """Print whether all answers are as expected; if not, how to start again."""
    phrases = PHRASES.of(language)
    console.print(Text(phrases.all_right, style="green") if all_right else Text(phrases.changed, style="bold red"))


def _recipients(language: Language, impact: ImpactOut, loaded: LoadedStory) -> str:
    codes = {
        loaded.ids[step.received_dataset]: step.received_dataset for step in story.STORY if isinstance(step, Transfer)
    }
    return "\n".join(
        _counted(language, reached.dataset.holder.legal_name, reached.number_count, codes[str(reached.dataset.id)])
        for reached in impact.datasets
        if reached.transfer_id
    )


def _campaigns(language: Language, impact: ImpactOut) -> str:
    codes = {step.name: step.code for step in story.STORY if isinstance(step, Campaign)}
    return "\n".join(
        _counted(language, reached.party.legal_name, reached.number_count, codes[reached.campaign.name])
        for reached in impact.campaigns
    )


def _counted(language: Language, name: str, count: int | None, code: str) -> str:
    assert count is not None, "nothing of the story is corrected"
    return PHRASES.of(language).counted.format(name=name, count=write_count(language, count), code=code)


def print_keys(console: Console, language: Language, url: str, loaded: LoadedStory) -> None:
    """Print a key of each organisation, and where the service listens."""
    phrases = PHRASES.of(language)
    console.print()
    console.print(Rule(phrases.keys))
    for name, key in loaded.keys.items():
        processor, _, party = name.partition(" for ")
        owner = phrases.acting_for.format(name=NAMES[processor], party=NAMES[party]) if party else NAMES[processor]
        console.print(Text(f"{owner:<46} {key}"), soft_wrap=True)
    console.print()
    for phrase in (phrases.running, phrases.person, phrases.stop):
        console.print(Text(phrase.format(url=url, number=_EXAMPLE_NUMBER), style="bold"), soft_wrap=True)
