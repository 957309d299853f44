"""The solver: packages, masks, terms. It does no I/O and knows neither the mirror nor the model."""
