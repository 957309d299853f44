"""One file a command: ``OPTIONS``, ``ARGUMENTS`` and ``run(values) -> exit code``.

May import: everything. Registered in ``cli.command_table``.
"""
