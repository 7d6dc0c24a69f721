"""Staff pages for users, their sessions and their keys. No page shows a digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path

from accounts import request_admin  # noqa: F401  (it registers its pages)
from accounts.models import ApiKey, RefreshToken, Session, User
from accounts.services.keys import api_keys_revoke
from accounts.services.sessions import sessions_end
from accounts.services.users import user_deactivate

KEPT = (
    "What belongs to this account, such as orders, payments and portfolios, is kept, so it cannot be deleted."
    " Deactivate it instead: that ends its sessions, keys and open connections."
)


class LowerCaseEmail(forms.EmailField):
    """Addresses are stored in lower case."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).lower()


class UserAddForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "tier")
        field_classes = {"email": LowerCaseEmail}


class UserEditForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        field_classes = {"email": LowerCaseEmail}


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only the service itself writes; they may be deleted, as with the user they belong to."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    form = UserEditForm
    add_form = UserAddForm
    list_display = ("email", "name", "tier", "is_active", "is_staff", "created_at", "last_login")
    list_filter = ("tier", "is_active", "is_staff", "is_superuser", "created_at")
    search_fields = ("email", "name", "=id")
    ordering = ("email",)
    readonly_fields = ("id", "created_at", "last_login")
    actions = ("deactivate",)
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "password")}),
        ("Plan", {"fields": ("tier", "email_confirmed_at")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "name", "tier", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_deleted_objects(
        self, objs: Sequence[Any] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Says as well what to do with a user who cannot be deleted."""
        found = super().get_deleted_objects(objs, request)
        if found[3]:
            self.message_user(request, KEPT, messages.ERROR)
        return found

    @admin.action(description="Deactivate the selected users", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = 0
        for user in queryset:
            if user == request.user:
                self.message_user(request, "Nobody deactivates their own account.", messages.ERROR)
                continue
            user_deactivate(user=user)
            self.log_change(request, user, "deactivated")
            count += 1
        if count:
            self.message_user(request, f"{count} users deactivated.", messages.SUCCESS)


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "created_at", "expires_at", "revoked_at", "revoked_because")
    list_filter = ("created_at", "expires_at", ("revoked_at", admin.EmptyFieldListFilter), "revoked_because")
    list_select_related = ("user",)
    search_fields = ("user__email", "=id")
    date_hierarchy = "created_at"
    fields = ("id", "user", "created_at", "expires_at", "revoked_at", "revoked_because")
    actions = ("end",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_session")

    @admin.action(description="End the selected sessions", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        ended = sessions_end(sessions=queryset, because="administrator")
        self.message_user(request, f"{ended} sessions ended.", messages.SUCCESS)


@admin.register(RefreshToken)
class RefreshTokenAdmin(ReadOnlyAdmin):
    """A list only: the key of a row is its digest, so no row has a page or a tick box."""

    list_display = ("user", "session_started", "created_at", "used_at")
    list_display_links = None
    list_filter = ("created_at", ("used_at", admin.EmptyFieldListFilter))
    list_select_related = ("session__user",)
    search_fields = ("session__user__email", "=session__id")
    date_hierarchy = "created_at"
    actions = None

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]

    @admin.display(ordering="session__user__email")
    def user(self, token: RefreshToken) -> str:
        return token.session.user.email

    @admin.display(ordering="session__created_at")
    def session_started(self, token: RefreshToken) -> datetime:
        return token.session.created_at


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "name", "user", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("created_at", "expires_at", "last_used_at", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__email", "=id")
    date_hierarchy = "created_at"
    fields = ("id", "user", "name", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apikey")

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = api_keys_revoke(keys=queryset)
        self.message_user(request, f"{revoked} keys revoked.", messages.SUCCESS)
