"""The ordered strategies that read the core metadata of one file: wheel, sdist, static, ranged, built.

Pure steps: requests out, responses in. May import: ``mirror.records`` and foundations.
"""
