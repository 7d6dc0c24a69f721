"""What stands between the platform and its providers: order, quotas, breakers, and calls made once."""
