from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "accounts.billing"
    label = "billing"
    verbose_name = "Shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.billing.gateways.registry import check_gateways

        # A gateway without its keys stops the start, not the first payment.
        check_gateways()
