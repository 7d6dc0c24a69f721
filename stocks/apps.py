from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StocksConfig(AppConfig):
    name = "stocks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from stocks import signals  # noqa: F401  (its receivers register themselves)
        from stocks.reference import ensure_reference_rows

        # The callable alone is what the signal passes `using` to; a strong reference keeps it alive.
        post_migrate.connect(ensure_reference_rows, sender=self, weak=False)
