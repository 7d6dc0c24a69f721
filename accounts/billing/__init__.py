"""The shop: products, orders, payments, and the tiers that they bring."""
