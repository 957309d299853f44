"""Running build backends (PEP 517): the one place where something that was read is executed, and only where that is allowed."""
