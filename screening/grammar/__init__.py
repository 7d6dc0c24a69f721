"""What a screen may ask, as a tree, as JSON and as text; it knows no framework and no database."""
