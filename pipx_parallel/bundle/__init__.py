"""The bundle: a lock with all its files and the scripts that install them where there is no network.

Folder rule: ``plan``, ``texts`` and ``scripts`` are pure; ``downloads``, ``builds`` and ``archive`` are the edges; ``making`` joins
them. Nothing here is loaded unless a bundle is made.
"""
