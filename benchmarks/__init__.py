"""The benchmark: this tool and its peers, side by side in one run. ``python -m benchmarks --help`` describes the options.

| file | what it does |
|---|---|
| __main__ | the commands ``run``, ``record``, ``replay``, ``report``, and runs by name: ``growth``, ``transports``, ``parallel`` |
| workloads, recordings, results | folders: lists to lock; recorded indexes; what runs measured |
| recording, synthetic, replay_site | what a recorded index holds, and the responses made from it |
| replay | the loopback server, in its own process, with a latency and a bandwidth |
| upstream, record | the recorder: forwards and stores the tools' requests |
| isolation, peers, tools | the environment of a run; how each tool is installed and called |
| measure, weigh, runner | time of one process; memory of a process tree; alternating rounds of processes |
| reported | requests, bytes and solver time from our tool's report |
| answers, quality | the pins in a tool's output; their age |
| summary, report | tables, and docs/performance.md with its charts |
"""
