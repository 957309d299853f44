"""The solver: packages, masks, terms. It does no I/O and imports neither the mirror nor the model."""
