"""Work on accounts that is scheduled, or that nobody should wait for."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.errors import MailNotSent
from accounts.services.mail import confirmation_mail_send, reset_mail_send
from accounts.services.sessions import sessions_prune

logger = logging.getLogger(__name__)

#: A mail that the server does not take is tried again so often, after a minute each.
MAIL_RETRIES = 5
_MAIL = {"autoretry_for": (MailNotSent,), "retry_backoff": 60, "max_retries": MAIL_RETRIES}


@shared_task
def prune_sessions() -> int:
    """Forget sessions that ended long ago; running it again changes nothing."""
    return sessions_prune(now=timezone.now())


@shared_task(**_MAIL)
def mail_reset(email: str) -> None:
    """Mail a link that sets another password, to an address that has an account."""
    reset_mail_send(email=email)


@shared_task(**_MAIL)
def mail_confirmation(email: str) -> None:
    """Mail a link that confirms an address, where it is not confirmed yet."""
    confirmation_mail_send(email=email)


def ask_for_reset(email: str) -> None:
    """Have the mail sent by a worker: the reply takes as long whether the address has an account or not.

    Raises MailNotSent where no worker can be told.
    """
    try:
        mail_reset.apply_async((email,), retry=False)
    except OperationalError as error:
        raise MailNotSent from error


def ask_for_confirmation(email: str) -> None:
    """The same for the link that confirms an address."""
    try:
        mail_confirmation.apply_async((email,), retry=False)
    except OperationalError as error:
        raise MailNotSent from error


def welcome(email: str) -> None:
    """Have a new user's address confirmed; where no worker can be told, the user may ask for the mail."""
    try:
        ask_for_confirmation(email)
    except MailNotSent as error:
        logger.warning("a new user gets no mail: %s", error)
