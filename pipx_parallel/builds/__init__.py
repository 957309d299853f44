"""Running build backends (PEP 517): the only code that executes what was downloaded, and only if the settings allow it."""
