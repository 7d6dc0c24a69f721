"""`manage.py sandbox_notice PAYMENT succeeded`: what the sandbox tells of a payment, sent as gateways do."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.billing.gateways.sandbox import SandboxGateway, event
from accounts.billing.models import Payment


class Command(BaseCommand):
    help = "Sends a signed notice of the sandbox gateway to this service, as for a payment that is pending."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("payment", type=UUID)
        parser.add_argument("kind", choices=["succeeded", "failed", "refunded"])
        parser.add_argument("--event-id", default="", help="to send the same one again")
        parser.add_argument("--url", default="", help="of the service; PUBLIC_URL where it is not given")

    def handle(self, *args: Any, **options: Any) -> None:
        payment = Payment.objects.filter(pk=options["payment"], gateway=SandboxGateway.name).first()
        if payment is None:
            raise CommandError("the sandbox has no such payment")
        event_id = options["event_id"] or f"evt_{uuid.uuid4().hex}"
        body, headers = event(
            event_id=event_id,
            kind=options["kind"],
            payment_id=payment.pk,
            amount=payment.amount,
            currency=payment.currency,
            now=timezone.now(),
        )
        url = f"{options['url'] or settings.PUBLIC_URL}/v1/payments/webhook/{SandboxGateway.name}"
        try:
            response = requests.post(url, data=body, headers=headers, timeout=10, allow_redirects=False)
        except requests.RequestException as error:
            raise CommandError(f"{url} does not answer: {type(error).__name__}") from None
        self.stdout.write(f"{event_id}: HTTP {response.status_code} {response.text}")
