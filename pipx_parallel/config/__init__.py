"""Settings: flags, environment, project table and pip's configuration, merged in one order.

May import: ``pipx_parallel`` foundations and ``requirements``.
"""
