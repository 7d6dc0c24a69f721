"""What is asked of the shop, and what it answers."""
