"""Targets: one environment to lock for; its tags, its marker variables, and what they admit.

Pure, but for reading the running interpreter. May import: ``mirror.records`` and foundations.
"""
