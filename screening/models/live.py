"""Screens that are kept live: who is in each, and what is still to be told of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from stocks.models import Stock


class LiveScreen(models.Model):
    """A screen that somebody watches; only the process that evaluates screens writes here.

    ``asked`` names what its members were found by: of another question they are found anew. ``told`` says
    that its room is told of every stock that enters or leaves; otherwise nobody is in it, only alerts look.
    A screen that begins anew is another row, with another number for its members.
    """

    screen_id = models.UUIDField(unique=True)
    asked = models.CharField(max_length=64, help_text="SHA-256 of what the screen asks.")
    told = models.BooleanField(default=False)
    since = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["screen_id"]

    def __str__(self) -> str:
        return str(self.screen_id)


class ScreenMember(models.Model):
    """A stock that is in a live screen.

    The keys have no constraints: whoever deletes a screen or a stock must not wait for these rows, of which
    many come and go at once. What is left of a screen that is live no more is cleared by the next process.
    """

    pk = models.CompositePrimaryKey("live_id", "stock_id")
    live = models.ForeignKey(
        LiveScreen, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="members"
    )
    stock = models.ForeignKey(
        Stock, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        ordering = ["live_id", "stock_id"]

    def __str__(self) -> str:
        return f"{self.stock_id} in {self.live_id}"


class ScreenBatch(models.Model):
    """Stocks that entered and left screens at one moment, written together with the members that follow.

    Its own outbox: ``told_at`` is empty until alerts and rooms know it. The newest one stays, for ``number``
    says up to where members follow what was told. ``epoch`` is the lease's, ``first`` the number of the
    first event among those of that epoch.
    """

    number = models.BigAutoField(primary_key=True)
    epoch = models.BigIntegerField()
    first = models.BigIntegerField()
    events = models.BinaryField(help_text="As screening.live.events packs them.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    told_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "screen batches"
        ordering = ["number"]
        indexes = [
            models.Index(fields=["number"], name="screen_batch_untold", condition=Q(told_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"batch {self.number}"
