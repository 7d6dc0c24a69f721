"""The tree of a screen as SQL. Names come from the catalogue, texts travel as parameters."""
