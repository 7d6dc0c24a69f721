"""Indicators: pure functions of bars, statements and dates, and the catalogue that names them.

Nothing here knows Django or a database: arrays and frozen values go in, arrays and numbers come
out. Floats live only inside these kernels; unknown is NaN here and NULL everywhere else.
"""
