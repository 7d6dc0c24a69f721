from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported for their effect: classes and receivers register themselves.
        from accounts import schema, signals, tiers  # noqa: F401

        # A limit that cannot be read stops the start, not the first request.
        tiers.tiers()
        tiers.doors()
