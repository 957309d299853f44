"""The resolve use case: roots, candidates, policy, prefetch, the solver's result as pins, explanations and suggestions.

May import: ``resolver``, ``requirements``, ``targets``, ``config``, ``locks``, ``direct``, ``emitters`` and ``mirror``.
"""
