"""Tables of the shop."""

from accounts.billing.models.events import GatewayEvent, OrderEvent
from accounts.billing.models.orders import Order, OrderItem
from accounts.billing.models.payments import Payment
from accounts.billing.models.products import Product
from accounts.billing.models.subscriptions import PackGrant, Standing, Subscription

__all__ = [
    "GatewayEvent",
    "Order",
    "OrderEvent",
    "OrderItem",
    "PackGrant",
    "Payment",
    "Product",
    "Standing",
    "Subscription",
]
