"""The metadata mirror: facts about package indexes, kept locally, never wheels.

Rule of this folder: nothing here imports ``pipx_parallel``. This package binds nothing, so that importing a record does
not load an HTTP stack. ``mirror`` is a very general name: every import of it is absolute.

Supported import paths:

====================  =====================================================================
``mirror.errors``     what can go wrong, one class per blame
``mirror.records.model``    the frozen records of the sparse format
``mirror.ports``      the protocols ``Store``, ``Transport``, ``Clock`` and the observer
``mirror.session.mirror``     ``open_mirror``: the one place where a mirror is put together
====================  =====================================================================
"""
