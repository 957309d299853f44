"""The benchmark: this tool and its peers, side by side in one run. ``python -m benchmarks --help`` says how.

| file | what it does |
|---|---|
| __main__ | the commands ``run``, ``record``, ``replay``, ``report``, and runs by name: ``growth``, ``transports``, ``parallel`` |
| workloads, recordings, results | folders: lists to lock; recorded indexes; what runs measured |
| recording, synthetic, replay_site | what a recorded index holds, and the responses made from it |
| replay | the loopback server, in its own process, with a latency and a bandwidth |
| upstream, record | the recorder: forwards what the tools ask for and keeps it |
| isolation, peers, tools | the environment of a run; how each tool is installed and called |
| measure, weigh, runner | one process timed; one weighed with all it starts; rounds of processes, alternating |
| reported | requests, bytes and solver's time, as our tool's report says them |
| answers, quality | the pins in a tool's output; how old they are |
| summary, report | tables, and docs/performance.md with its charts |
"""
