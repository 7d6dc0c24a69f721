"""No secret that the suite issues stands in any log of the suite.

Every process of a run of the tests notes each secret where it is made or taken (`noting`). Whatever the
processes write is kept until the end of the run (`noting`, `plugin`), and is searched then for all of them
(`search`). Only ends of secrets are kept meanwhile.
"""
