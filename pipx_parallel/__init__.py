"""pipx-parallel: lock requirements from a local metadata mirror, filled in parallel.

This package binds nothing, so that importing a part loads that part only.

Supported import paths:

===========================  ==========================================================
``pipx_parallel.model``      records: roots, targets, pins, edges, resolutions
``pipx_parallel.errors``     the errors, one class per cause
``pipx_parallel.cli``        the command line (``pipx-parallel``, ``python -m pipx_parallel``)
===========================  ==========================================================
"""
