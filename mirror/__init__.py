"""The metadata mirror: metadata of package indexes in a local store. It never stores wheels.

Rule of this folder: nothing here imports ``pipx_parallel``. This module imports nothing, so that importing a record does
not load an HTTP stack. ``mirror`` is a general name, so every import of it is absolute.

Supported import paths:

====================  =====================================================================
``mirror.errors``     the exceptions, one class per cause
``mirror.records.model``    the frozen records of the sparse format
``mirror.ports``      the protocols ``Store``, ``Transport``, ``Builder``, ``CredentialSource`` and the observer
``mirror.session.mirror``     ``open_mirror``: creates a mirror from its settings
====================  =====================================================================
"""
