"""The bundle: a lock with all its files and the scripts that install them without a network.

``plan``, ``texts`` and ``scripts`` are pure; ``downloads``, ``wheel_builds`` and ``archive`` do I/O; ``create`` joins them.
May import: ``mirror``, foundations, ``emitters``. Only ``pipx-parallel bundle`` loads this folder.
"""
