"""Loading of CSV files: listings, daily bars, statements and published fundamentals.

A file flows through ``source`` (bytes), ``lines`` (blocks of whole lines), ``table`` (columns of text), one
``check`` per kind of file (typed rows and refusals) and one ``write`` (COPY, and an upsert where rows are
stored already). ``run`` holds it together: one transaction for the whole file.
"""
