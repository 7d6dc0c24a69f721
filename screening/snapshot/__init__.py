"""Screens without the database: the figures of every listed stock as columns in the memory of a process.

``table`` holds one version of the dataset and never changes; ``read`` makes it. ``quotes`` lays the newest
prices over it, ``ticks`` follows them. ``evaluate``, ``ranks`` and ``order`` answer a screen from it, and
``rows`` writes the answer out. ``keeper`` keeps all this at hand, in two threads of each process that serves
screens.
"""
