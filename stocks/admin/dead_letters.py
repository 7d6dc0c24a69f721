"""Entries of the stream that a group could not use: replayed or discarded here."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from stocks.admin.doors import acting, page, shown, write_down
from stocks.dead_letters import DeadLetter, dead_letter_discard, dead_letter_replay, dead_letters
from stocks.stream import lags

#: The newest letters that the page shows.
SHOWN = 200
#: What may be done to letters, by the name of its button, and how that is called afterwards.
DEEDS: dict[str, tuple[Callable[..., bool], str]] = {
    "replay": (dead_letter_replay, "replayed"),
    "discard": (dead_letter_discard, "discarded"),
}


@shown
def letters(request: HttpRequest) -> HttpResponse:
    """The page."""
    found: list[DeadLetter] = []
    waiting = 0
    try:
        found += dead_letters(limit=SHOWN)
        waiting = sum(lag.dead for lag in lags().values())
    except redis.RedisError:
        messages.error(request, "Redis does not answer, so nobody knows which letters there are.")
    context = page(request, "Dead letters", letters=found, waiting=waiting)
    return render(request, "admin/stocks/dead_letters.html", context)


@acting
def decide(request: HttpRequest) -> HttpResponse:
    """Replay or discard the chosen letters."""
    deed, chosen = DEEDS.get(request.POST.get("deed", "")), request.POST.getlist("letter")
    if deed is None or not chosen:
        messages.error(request, "Choose letters, and what to do with them.")
        return redirect("operations:dead-letters")
    act, done = deed
    count = 0
    for letter_id in chosen[:SHOWN]:
        try:
            acted = act(letter_id=letter_id)
        except ValueError as error:
            messages.error(request, str(error))
        except redis.RedisError:
            messages.error(request, "Redis does not answer; the rest stays as it is.")
            break
        else:
            if acted:
                write_down(request, f"Dead letter {letter_id}", done)
                count += 1
    messages.success(request, f"{count} of {len(chosen)} letters {done}.")
    return redirect("operations:dead-letters")
