"""An API key by e-mail: the address is proved by a link before any key exists."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import InvalidConfirmation
from accounts.models import User
from accounts.selectors import registration_state
from accounts.services.keys import IssuedKey, api_key_issue
from accounts.services.mail import mail_send

LINK_LIFETIME = timedelta(hours=24)
_SALT = "accounts.registration"


def registration_start(*, email: str, name: str) -> None:
    """Send a link that confirms the address; the same mail whether the address is known or not.

    Raises MailNotSent.
    """
    token = signing.dumps(
        {"email": email, "name": name, "state": registration_state(email)}, salt=_SALT, compress=True
    )
    link = f"{settings.PUBLIC_URL}/v1/register/confirm?token={token}"
    mail_send(
        to=email,
        subject="Your Stockroom API key",
        template="accounts/registration.txt",
        link=link,
        hours=int(LINK_LIFETIME.total_seconds() // 3600),
    )


def registration_read(token: str) -> dict[str, str]:
    """What a link says: email, name and state; raises InvalidConfirmation when it is forged or old."""
    try:
        claims: dict[str, str] = signing.loads(token, salt=_SALT, max_age=LINK_LIFETIME)
    except signing.BadSignature as error:
        raise InvalidConfirmation from error
    return claims


@transaction.atomic
def registration_confirm(*, token: str) -> IssuedKey:
    """Issue the key that a link stands for, once; creates the user, without a password, where there is none.

    An active user who proved the address before gets one more key. Raises InvalidConfirmation for a link
    that is forged, old or used, and for an address whose account never proved it: whoever opened that
    account could otherwise share it with the address's owner.
    """
    claims = registration_read(token)
    email = claims["email"]
    user = User.objects.select_for_update(no_key=True).filter(email=email).first()
    if claims["state"] != registration_state(email):
        raise InvalidConfirmation
    if user is None:
        user = _user_without_password(email=email, name=claims["name"])
    elif not user.is_active or user.email_confirmed_at is None:
        raise InvalidConfirmation
    return api_key_issue(user=user, name="registration")


def _user_without_password(*, email: str, name: str) -> User:
    try:
        with transaction.atomic():
            return User.objects.create_user(email, None, name=name, email_confirmed_at=timezone.now())
    except IntegrityError as error:
        # The same link was confirmed by a parallel call.
        raise InvalidConfirmation from error
