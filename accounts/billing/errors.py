"""What can go wrong in the shop. HTTP codes stand in one table, config/api/errors.py."""

from __future__ import annotations

from accounts.errors import AccountsError


class BillingError(AccountsError):
    """Root of the shop's own branch."""

    code = "BILLING_ERROR"


class ProductNotAvailable(BillingError):
    code = "PRODUCT_NOT_AVAILABLE"
    message = "A product of this order is not sold."


class CurrenciesDiffer(BillingError):
    code = "CURRENCIES_DIFFER"
    message = "The products of one order must have prices in one currency; order them apart."


class OrderNotFound(BillingError):
    code = "ORDER_NOT_FOUND"
    message = "No such order."


class OrderLimitReached(BillingError):
    code = "ORDER_LIMIT_REACHED"
    message = "This account has as many unpaid orders as it may have; pay or cancel one first."


class OrderNotPending(BillingError):
    """The order is past the state in which this can be done."""

    code = "ORDER_NOT_PENDING"
    message = "This order can be neither paid nor cancelled any more."


class PaymentInProgress(BillingError):
    code = "PAYMENT_IN_PROGRESS"
    message = "A payment of this order is under way."


class OrderNotRefundable(BillingError):
    code = "ORDER_NOT_REFUNDABLE"
    message = "Only an order that was paid, and is not being refunded, can be refunded."


class PaymentNotHeld(BillingError):
    code = "PAYMENT_NOT_HELD"
    message = "Only a payment that waits for a person can be decided by hand."


class GatewayNotAvailable(BillingError):
    code = "GATEWAY_NOT_AVAILABLE"
    message = "This gateway takes no payments here."


class CurrencyNotTaken(BillingError):
    code = "CURRENCY_NOT_TAKEN"
    message = "This gateway does not take the currency of the order."


class NoticeRefused(BillingError):
    """A webhook that its gateway did not sign, or signed too long ago, or that says nothing we can read."""

    code = "INVALID_SIGNATURE"
    message = "The notice is not signed as it must be."


class CatalogueNotRead(BillingError):
    """The address of the catalogue is refused, does not answer, or does not hold a list of products."""

    code = "CATALOGUE_NOT_READ"
    message = "The catalogue could not be read."
