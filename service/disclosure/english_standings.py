"""What a report says in English of files that their holders no longer have, or never had."""

from typing import Final

from service.disclosure import phrases

STANDINGS: Final = phrases.Standings(
    ended="{holder} says that since {day} it has no longer had the file with your number ({why}).",
    adds="{holder} adds: {quoted}",
    withdrawn="A file of {holder} with your number had been declared by mistake: {who} withdrew it on {day}, with this "
    "reason: {quoted}",
    only_withdrawn="{holder} would have your number only through a file that was withdrawn.",
    erased="On {day}, your number was erased from what is kept here of a file that {holder} no longer has, or had "
    "declared by mistake.",
    note_ended="says it has not had it since {day}",
    note_withdrawn="withdrew on {day} what it had declared by mistake",
    contact="No longer has your number, as it says.",
)
