"""Direct references: archives, repositories and folders that the user names instead of a release of an index (PEP 508)."""
