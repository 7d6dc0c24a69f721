"""Files of transactions as values: records, cells and rows. Knows no framework."""
