"""Mail to users."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any

from django.core.mail import send_mail
from django.template.loader import render_to_string

from accounts.errors import MailNotSent
from accounts.links import EMAIL_CONFIRMATION, PASSWORD_RESET, Purpose
from accounts.models import User
from accounts.selectors import users_active


def mail_send(*, to: str, subject: str, template: str, **context: Any) -> None:
    """Send a text; raises MailNotSent."""
    try:
        send_mail(subject, render_to_string(template, context), None, [to])
    except (SMTPException, OSError) as error:
        raise MailNotSent from error


def reset_mail_send(*, email: str) -> None:
    """Mail a link that sets another password, where an active user has the address; raises MailNotSent."""
    user = users_active().filter(email=email).first()
    if user is not None:
        _link_send(user, PASSWORD_RESET, "Set another password", "accounts/password_reset.txt")


def confirmation_mail_send(*, email: str) -> None:
    """Mail a link that confirms the address, where it is an active user's and not confirmed yet.

    Raises MailNotSent.
    """
    user = users_active().filter(email=email, email_confirmed_at=None).first()
    if user is not None:
        _link_send(user, EMAIL_CONFIRMATION, "Confirm your e-mail address", "accounts/email_confirm.txt")


def _link_send(user: User, purpose: Purpose, subject: str, template: str) -> None:
    mail_send(to=user.email, subject=subject, template=template, link=purpose.link(user), hours=purpose.hours)
