"""An answer in a few plain sentences, for whoever reads nothing else of it. Pure."""

from collections.abc import Iterable

from service.provenance.schemas import Answer

NOTHING = "No dataset that you may see holds this number."


def summarise(answer: Answer) -> str:
    """What the answer comes to."""
    told = [sentence for sentence in _sentences(answer) if sentence]
    return " ".join(told) or NOTHING


def _sentences(answer: Answer) -> Iterable[str]:
    if not answer.held:
        yield NOTHING
    origins = [f"{one.collector.legal_name} ({one.notice.code})" for one in answer.origins]
    hands = [one.organisation.legal_name for one in answer.recipients if one.kind == "hand"]
    clients = [one.organisation.legal_name for one in answer.recipients if one.kind == "client"]
    yield _sentence("First collected by", origins)
    yield _sentence("Passed to", hands)
    yield _sentence("Transferred, as one side says at least, to the clients", clients)
    yield _sentence("Used in the campaigns", [one.name for one in answer.campaigns])
    astray = [one.dataset.holder.legal_name for one in answer.orphans]
    yield _sentence("Without declared origin in the hands of", astray)
    if answer.contradictions:
        yield "Sides contradict each other: see `contradictions`."


def _sentence(beginning: str, names: Iterable[str]) -> str:
    listed = ", ".join(dict.fromkeys(names))
    return f"{beginning} {listed}." if listed else ""
