"""What changes the shop. Rows are locked in this sequence: an order, its payment, its user."""
