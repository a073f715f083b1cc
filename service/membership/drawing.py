"""Who draws on the stored copies of one number, and on which nobody does any more. Pure.

A number is stored in uploaded datasets. Others share it, or hold copies of their own that came from there, and their
origin is proved by it: so a copy goes only after all these have gone (GDPR Art. 17).
"""

import uuid
from collections.abc import Collection

from service.core.ended import Ended, had
from service.core.vocabulary import Content
from service.membership.ancestry import Dag, Node


def sources(node: Node, ended: Ended) -> list[uuid.UUID]:
    """The parents from which a dataset took over what they had, unless it was erased from them before."""
    return [parent for parent in node.parents if had(ended, parent, node.made_at)]


def drawing(dag: Dag, stored: Collection[uuid.UUID], ended: Ended) -> set[uuid.UUID]:
    """The datasets that store a number and those that share it with them, also the `ended` ones."""
    found = set(stored)
    for dataset, node in dag.items():
        if node.content is not Content.UPLOADED and not found.isdisjoint(sources(node, ended)):
            found.add(dataset)
    return found


def unneeded(
    dag: Dag, held: Collection[uuid.UUID], stored: Collection[uuid.UUID], ended: Ended
) -> frozenset[uuid.UUID]:
    """Those of the datasets storing a number of which the stored copy serves nobody any more.

    `dag` has these and whatever was made of them; `held` are those of them that are sealed, and not denied by whom they
    were handed to. A copy is needed if a dataset that draws on it holds the number still, or stores it and is needed.
    """
    having = drawing(dag, stored, ended)
    needed: set[uuid.UUID] = set()
    for dataset in reversed(dag):
        if dataset in needed or (dataset in having and dataset in held and dataset not in ended):
            needed.add(dataset)
            needed.update(having.intersection(sources(dag[dataset], ended)))
    return frozenset(stored) - needed
