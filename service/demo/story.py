"""The story, modelled on June 2024: every organisation in it is invented, and every number is reserved for fiction.

The SIREN have a valid check digit but begin with 000, like none in the register: they belong to nobody. Wordings are
verbatim, as evidence is.
"""

from collections.abc import Callable
from datetime import date, timedelta

from service.core.vocabulary import Channel, Mechanism, Purpose, Role
from service.demo.story_types import (
    Acknowledgement,
    Campaign,
    Collection,
    Dataset,
    Letter,
    Notice,
    Organisation,
    PartnerList,
    Reconciliation,
    Release,
    Step,
    Stop,
    Transfer,
    at,
)

OPERATOR = Organisation(
    "registry", "Registre de démonstration", "000100099", Role.OPERATOR, "registre@filiation.example"
)

CNIL = Organisation("cnil", "CNIL", "000100081", Role.REGULATOR, "plaintes@cnil.example")
JEUX = Organisation(
    "jeux-lots", "Jeux & Lots SARL", "000100016", Role.COLLECTOR, "contact@jeux-lots.example", "contact-direct"
)
COMPARAUTO = Organisation(
    "comparauto", "Comparauto SAS", "000100024", Role.COLLECTOR, "dpo@comparauto.example", "contact-direct"
)
ENSEIGNE = Organisation(
    "enseigne-maison", "Enseigne Maison SA", "000100032", Role.COLLECTOR, "dpo@enseigne-maison.example"
)
CONTACT = Organisation("contact-direct", "Contact Direct SAS", "000100040", Role.BROKER, "dpo@contact-direct.example")
REVENTE = Organisation("revente-data", "Revente Data SARL", "000100057", Role.BROKER, "rgpd@revente-data.example")
AUBE = Organisation("aube", "Parti de l'Aube", "000100065", Role.PARTY, "donnees@aube.example")
RIVAGE = Organisation("rivage", "Mouvement du Rivage", "000100073", Role.PARTY, "donnees@rivage.example")
ROUTAGE = Organisation("routage", "Routage SMS Pro SAS", "000100107", Role.PROCESSOR, "dpo@routage.example")

ADMITTED = (CNIL, ENSEIGNE, CONTACT, REVENTE, AUBE, RIVAGE, ROUTAGE)
PARTIES = (AUBE, RIVAGE)


def _spread(first: str, days: int) -> Callable[[int], date]:
    """Consents spread over `days` days from the first on, by the last four digits of the number."""
    begin = date.fromisoformat(first)
    return lambda last_digits: begin + timedelta(days=last_digits % days)


_BEFORE_AUBE, _SINCE_AUBE = _spread("2023-10-01", 120), _spread("2024-02-05", 60)


def _comparauto_2023(last_digits: int) -> date:
    return _BEFORE_AUBE(last_digits) if last_digits <= 5499 else _SINCE_AUBE(last_digits)


_SALE_TO_CONTACT = "Contrat de cession de fichiers "
_RENTAL = "Contrat de location "

_NOTICES: tuple[Step, ...] = (
    Notice(
        "JL-1",
        collector=JEUX.code,
        asserted_by=CONTACT.code,
        wording="En participant, j'accepte de recevoir les offres des partenaires de Jeux & Lots.",
        mechanism=Mechanism.CONDITION_OF_ENTRY,
        purposes=(Purpose.COMMERCIAL_CANVASSING,),
        valid_from="2020-01-01",
        valid_until=None,
        lists=(PartnerList("2020-01-01", categories=("partenaires",)),),
    ),
    Notice(
        "CA-1",
        collector=COMPARAUTO.code,
        asserted_by=CONTACT.code,
        wording="☐ J'accepte que mes coordonnées soient transmises à des partenaires pour recevoir leurs offres "
        "par SMS.",
        mechanism=Mechanism.UNTICKED_BOX,
        purposes=(Purpose.COMMERCIAL_CANVASSING,),
        valid_from="2021-03-01",
        valid_until="2023-08-31",
        lists=(PartnerList("2021-03-01", partners=(CONTACT.code,)),),
    ),
    Notice(
        "CA-2",
        collector=COMPARAUTO.code,
        asserted_by=CONTACT.code,
        wording="☐ J'accepte de recevoir par SMS des offres et des messages d'information politique des partenaires "
        "listés ici.",
        mechanism=Mechanism.UNTICKED_BOX,
        purposes=(Purpose.COMMERCIAL_CANVASSING, Purpose.POLITICAL_CANVASSING),
        valid_from="2023-09-01",
        valid_until=None,
        lists=(
            PartnerList("2023-09-01", partners=(CONTACT.code,)),
            PartnerList("2024-02-01", partners=(CONTACT.code, AUBE.code)),
        ),
        replaces="CA-1",
    ),
    Notice(
        "EM-1",
        collector=ENSEIGNE.code,
        asserted_by=ENSEIGNE.code,
        wording="☐ Oui, Enseigne Maison peut transmettre mon numéro à Contact Direct SAS et à ses clients, y compris "
        "des partis politiques et des candidats, pour des messages SMS. Je peux changer d'avis à tout moment.",
        mechanism=Mechanism.DOUBLE_OPT_IN,
        purposes=(Purpose.COMMERCIAL_CANVASSING, Purpose.POLITICAL_CANVASSING, Purpose.TRANSFER),
        valid_from="2022-01-01",
        valid_until=None,
        lists=(PartnerList("2022-01-01", partners=(CONTACT.code,), categories=("partis politiques et candidats",)),),
        has_screenshot=True,
    ),
)

_COLLECTIONS: tuple[Step, ...] = (
    Collection("JL-1", Channel.WEB_FORM, "https://www.jeux-lots.example/participer", "2020-02-01", "2021-05-31"),
    Collection("CA-1", Channel.WEB_FORM, "https://www.comparauto.example/devis", "2021-04-01", "2023-03-15"),
    Collection("CA-2", Channel.WEB_FORM, "https://www.comparauto.example/devis", "2023-10-01", "2024-04-05"),
    Collection("EM-1", Channel.SHOP, "Carte de fidélité Enseigne Maison, en caisse", "2023-10-02", "2023-12-31"),
)

_COLLECTED: tuple[Step, ...] = (
    Dataset(
        "D1",
        "Participants au jeu, 2020-2021",
        JEUX.code,
        CONTACT.code,
        at("2021-06-15"),
        (range(3000),),
        "contest",
        collected_under="JL-1",
        consented_on=_spread("2020-02-01", 480),
    ),
    Transfer(
        "T1",
        "D1",
        "R1",
        CONTACT.code,
        CONTACT.code,
        at("2021-07-01"),
        Purpose.COMMERCIAL_CANVASSING,
        _SALE_TO_CONTACT + "2021-JL",
    ),
    Dataset(
        "D2",
        "Demandes de devis, 2021-2023",
        COMPARAUTO.code,
        CONTACT.code,
        at("2023-03-20"),
        (range(2000, 5000),),
        "quotes",
        collected_under="CA-1",
        consented_on=_spread("2021-04-01", 700),
    ),
    Transfer(
        "T2",
        "D2",
        "R2",
        CONTACT.code,
        CONTACT.code,
        at("2023-04-01"),
        Purpose.COMMERCIAL_CANVASSING,
        _SALE_TO_CONTACT + "2023-CA",
    ),
    Dataset(
        "D4",
        "Porteurs de la carte, fin 2023",
        ENSEIGNE.code,
        ENSEIGNE.code,
        at("2024-01-08"),
        (range(4000, 8500),),
        "loyalty",
        collected_under="EM-1",
        consented_on=_spread("2023-10-02", 90),
    ),
    Transfer(
        "T4",
        "D4",
        "R4",
        CONTACT.code,
        ENSEIGNE.code,
        at("2024-01-15"),
        Purpose.TRANSFER,
        _SALE_TO_CONTACT + "2024-EM",
    ),
    Acknowledgement("T4", at("2024-01-16", 9), "Fichier reçu et intégré."),
    Dataset(
        "D3",
        "Demandes de devis, 2023-2024",
        COMPARAUTO.code,
        CONTACT.code,
        at("2024-04-08"),
        (range(5000, 6500),),
        "quotes_2023",
        collected_under="CA-2",
        consented_on=_comparauto_2023,
    ),
    Transfer(
        "T3",
        "D3",
        "R3",
        CONTACT.code,
        CONTACT.code,
        at("2024-04-10"),
        Purpose.TRANSFER,
        _SALE_TO_CONTACT + "2024-CA",
    ),
)

# What the operator has looked at. The files that Contact Direct received from those without account begin at R1 to R3.
_RELEASES: tuple[Step, ...] = (
    *(Release(code, "Contrat présenté.") for code in ("R1", "R2", "R3")),
    Release("D4", "Magasin connu, recueil en caisse."),
)

_TRADED: tuple[Step, ...] = (
    Dataset(
        "X8",
        "Extrait consommateurs, avril 2024",
        CONTACT.code,
        CONTACT.code,
        at("2024-04-02", 9),
        (range(4000),),
        "list",
        derived_from=("R1", "R2"),
    ),
    Transfer(
        "T7",
        "X8",
        "D8",
        REVENTE.code,
        CONTACT.code,
        at("2024-04-02"),
        Purpose.COMMERCIAL_CANVASSING,
        _RENTAL + "2024-071",
    ),
    Acknowledgement("T7", at("2024-04-03", 9), "Reçu le 2 avril."),
    Dataset(
        "D5",
        "Base SMS, avril 2024",
        CONTACT.code,
        CONTACT.code,
        at("2024-04-15"),
        derived_from=("R1", "R2", "R3", "R4"),
    ),
    Letter("O1", 7777, CONTACT.code, at("2024-05-20")),
    Dataset(
        "X6",
        "Extrait 30-60 ans",
        CONTACT.code,
        CONTACT.code,
        at("2024-05-28", 9),
        (range(4500, 8000),),
        "list",
        derived_from=("D5",),
    ),
    Transfer(
        "T5",
        "X6",
        "D6",
        AUBE.code,
        CONTACT.code,
        at("2024-05-28"),
        Purpose.POLITICAL_CANVASSING,
        _RENTAL + "2024-118",
        targeting=(("âge", "30-60 ans", "déclaration de la personne"),),
    ),
    Reconciliation("T5", (range(4500, 8000),), "delivered"),
    Dataset(
        "X7",
        "Extrait bureaux de vote",
        CONTACT.code,
        CONTACT.code,
        at("2024-05-29", 9),
        (range(5000, 8500),),
        "lines",
        derived_from=("D5",),
    ),
    Transfer(
        "T6",
        "X7",
        "D7",
        RIVAGE.code,
        CONTACT.code,
        at("2024-05-29"),
        Purpose.POLITICAL_CANVASSING,
        _RENTAL + "2024-121",
        targeting=(
            ("bureau de vote", "résultat du premier tour de 2022", "adresse rapprochée du résultat de son bureau"),
        ),
    ),
    Reconciliation("T6", (range(5000, 8500), range(9000, 9004)), "list"),
    Dataset(
        "X9",
        "Sélection mai 2024",
        REVENTE.code,
        REVENTE.code,
        at("2024-05-30", 9),
        (range(1000, 2000),),
        "table",
        derived_from=("D8",),
    ),
    Transfer(
        "T8",
        "X9",
        "D9",
        RIVAGE.code,
        REVENTE.code,
        at("2024-05-30"),
        Purpose.POLITICAL_CANVASSING,
        "Bon de commande RD-2024-33",
    ),
)

_CAMPAIGNS: tuple[Step, ...] = (
    Campaign(
        "C1",
        "Européennes, dernier appel",
        AUBE.code,
        ROUTAGE.code,
        "38001",
        "Dimanche 9 juin, votez ! Parti de l'Aube. Votre numéro : base opt-in Contact Direct SAS. STOP au 38001",
        at("2024-06-06", 10),
        at("2024-06-06", 12),
        ("D6",),
    ),
    Stop("O2", 6666, "C1", "Stop !", at("2024-06-06", 10, 40)),
    Campaign(
        "C2",
        "Dimanche, le Rivage",
        RIVAGE.code,
        ROUTAGE.code,
        "38002",
        "Le 9 juin, chaque voix compte : votez Mouvement du Rivage.",
        at("2024-06-06", 18),
        at("2024-06-06", 21),
        ("D7", "D9"),
    ),
    Campaign(
        "C3",
        "Demain, le Rivage",
        RIVAGE.code,
        ROUTAGE.code,
        "38002",
        "Demain, tout se joue : votez Mouvement du Rivage.",
        at("2024-06-08", 9),
        at("2024-06-08", 9, 30),
        ("D7",),
    ),
)

POLL_NAME, POLL_ON = "Élections européennes", "2024-06-09"

STORY: tuple[Step, ...] = (JEUX, COMPARAUTO, *_NOTICES, *_COLLECTIONS, *_COLLECTED, *_RELEASES, *_TRADED, *_CAMPAIGNS)
"""The steps in the order in which they are loaded: each comes after those that it refers to."""
