"""Write docs/performance.md and its charts from the results of runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import summary
from benchmarks.line_chart import line_chart
from pipx_parallel.emitters.svg_chart import bar_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HERE = Path(__file__).resolve().parent
_DOCS = _HERE.parent / "docs"
_SIZES = 3  # the fewest points of a curve
_INTRODUCTION = """# Performance

Written by `python -m benchmarks report` from `benchmarks/results/`. Every figure is a median over whole processes; the tools
took turns within one run, on one machine. Absolute times drift with the machine and the index: compare within a table. Each table
has its date; it shows the code of that day, and only a new run shows the present one.

- *cold*: every process starts with empty caches. *offline*: a new process with a full cache, without a network if the tool has
  such an option. *check*: confirm a lock that is up to date.
- *runs*: the number of runs in a median; a slow tool skips rounds once it has used its share of time (`--budget`).
- *ours/it*: our median divided by that tool's; below 1 we are faster.
- *CPU*: user and system time. *peak*: memory of the whole process tree, shared pages counted once, from a run that is not
  timed. *cache MB*: size on disk after the last run.
- *requests*, *MB*: what the replay index served in the last round. Against the configured index they come from our tool's own
  report, with pages counted uncompressed; the other tools' traffic is encrypted, so it is not counted.
- *libyears*: how much older the pins are than the newest release that this machine could install, in years, summed.
- pip does not cache responses of an index that speaks plain HTTP, so on a replay index its warm runs are cold runs.

## How to repeat this

    python -m benchmarks                                      # the configured index
    python -m benchmarks --replay benchmarks/recordings/medium.jsonl.xz --latency 0.03 --bandwidth 50MB/s
    python -m benchmarks record /tmp/other.jsonl.xz --newest 0 --workload packages-300
    python -m benchmarks growth                               # 100, 300 and 1,000 packages, offline
    python -m benchmarks targets                              # one target and twelve, beside the universal modes of uv and nab
    python -m benchmarks reported-lists                       # 14 lists of public reports, each as of its day
    python -m benchmarks transports                           # libcurl, threads, aiohttp
    python -m benchmarks parallel                             # 1 worker against the adaptive default
    python -m benchmarks served-page                          # what a policy costs a page of `mirror serve`
    python -m benchmarks --workload monorepo-50 --mode cold,offline
    python -m benchmarks report

The harness needs Linux or macOS, an interpreter with packaging and urllib3, and installs every tool into an environment of its
own. A replay index serves a recording on loopback, over HTTP/1.1: gzip, ETag, `Cache-Control: max-age=600`, advertised sidecars,
byte ranges, a latency per request and one bandwidth for all. Its files hold only what a resolver reads.
"""
_WARM_PATH = """## The warm path

Offline, one comment of the list changed, a new process; our wheel compiled with `compileall`, uv 0.13.9 with `--generate-hashes`
and its own earlier output, the two in turns, 7 rounds. 2026-11-29, 2 CPUs, Python 3.11.7.

| list | ours s | uv s | wall, ours/it | CPU, ours/it | aim, wall | our instructions |
|---|---|---|---|---|---|---|
| medium-bounded, 171 pins | 0.178 | 0.077 | 2.31 | 1.76 | 1.5 | 657 M |
| packages-300 | 0.222 | 0.108 | 2.05 | 1.49 | 2.5 | 916 M |
| packages-1000 | 0.609 | 0.225 | 2.70 | 1.86 | 0.8 | 2,549 M |

Two of the three aims are missed. Run again that day beside other work: 1.89, 1.81, 2.76 at load 4 to 6, and 2.51, 2.40, 2.60 at
load 14 to 19 (CPU 2.08, 1.98, 2.21 and 2.33, 2.07, 2.54). Instructions (`valgrind --tool=cachegrind`) repeat to a few hundred;
times drift by a tenth.

Where they go: about 36 M are the interpreter, 60 M the standard library, 149 M our modules (142 when that was measured, 132 now).
Each pin from the 171st to the 1,000th costs 2.3 M. By cProfile, with 1,000 pins and before the second step below: decoding release
views 15 % (JSON, digests, lists of versions), other reads of the store 9 %, dependencies of the pins and whether these fit 24 %,
files and pins 20 %, writing the lock 11 %. No function but the decoder of JSON takes 5 %.

What was tried:

- Pins that still fit are the answer, without a search and without the solver's modules: 8 % fewer instructions with 171 pins,
  15 % with 1,000. It holds after lines were changed too, as long as no pin moves.
- Other releases of a project whose pin is kept are checked only where the answer depends on them: 2 % fewer.
- mypyc 2.4.1 over 17 modules of this path (records, candidates, kept pins, tags, pylock; not the solver, which it does not
  load), `-O1`: 9 % fewer instructions with 171 pins (654 to 595 M), 15 % with 1,000 (2,538 to 2,163 M); 0.164 and 0.489 s. The
  lock of medium-bounded is the same. It is not built: a second kind of wheel would have to be worth 25 %. Much of the work is
  in C anyway (JSON, SQLite, digests, dicts), and named tuples stay interpreted classes. Eight modules do not compile as they
  are (surrogates in literals, nested classes, `__slots__` read through the class), two more fail when they are imported (a
  field annotated `object`; a crash in `pins.py` that was not looked into). 90 modules at `-O2` were not compiled after ten
  minutes of gcc on a busy machine.
- Looked at and not done: 132 imports cost 0.3 M each before a line of them runs (6 %), which only larger files would avoid; by
  estimate 1 % or less each: the 27 expressions that `re` compiles, the 23 `typing.NamedTuple` on the solver's side, the digest
  that is read of each file view.
- Dependency sets that are decoded on first use would gain nothing: a view holds one set (171 in 171 views, 298 in 298, 1,268 in
  1,025), and it is needed. `msgspec` for the JSON of the views: by estimate it gains with 1,000 pins what loading it costs (70
  M), and loses with 171.
"""
_COLD_PATH = """## Processor time of a cold lock

User and system time of whole processes in seconds, the tools in turns. 2026-11-29, 2 CPUs, Python 3.11.7, uv 0.13.9, nab
0.0.23, beside much other work (load 12 to 14): wall times are given as ratios or not at all, and CPU times are longer than on a
quiet machine. Medians of 3 rounds; the reported lists one round. In wall time medium was 0.22 of nab under that load (aim
0.15); it was 0.09 on the quiet machine of the table below.

| list | ours | uv with hashes | nab | ours/uv | ours/nab |
|---|---|---|---|---|---|
| medium-bounded, cold | 1.96 | 1.20 | 6.96 | 1.63 | 0.28 |
| medium-bounded, offline | 0.26 | 0.09 | 1.96 | 2.9 | 0.13 |
| medium-bounded, check | 0.17 | 0.10 | 2.17 | 1.7 | 0.08 |
| medium, cold | 2.52 |  | 7.42 |  | 0.34 |

| reported list, cold | ours | uv | ours/uv | wall, ours/uv |
|---|---|---|---|---|
| starlette-fastapi | 0.59 | 0.31 | 1.90 | 0.85 |
| numpy-numba | 0.65 | 1.31 | 0.50 | 0.20 |
| airflow-beam-dill | 3.91 | 4.29 | 0.91 | 1.00 |
| pandas-aws-boto3 | 1.33 | 4.76 | 0.28 | 0.27 |
| boto3-old-urllib3 | 1.69 | 6.73 | 0.25 | 0.21 |
| mem0ai-graph | 2.56 | 2.67 | 0.96 | 0.35 |
| kedro-test | 10.52 | 14.98 | 0.70 | 0.56 |
| langchain-ml-course | 6.79 | 2.74 | 2.48 | 0.68 |
| trustllm | 5.19 | 3.66 | 1.42 | 0.64 |
| aicsimageio-napari-impossible | 2.04 | 1.47 | 1.39 | 0.40 |
| pdm-2193 | 1.79 | 2.18 | 0.82 | 0.70 |
| acryl-datahub-all | 15.86 | 14.26 | 1.11 | 1.02 |
| jupyter | 1.13 | 1.45 | 0.78 | 0.18 |
| pip-tools-1829 | 2.08 | 1.04 | 2.00 | 1.67 |
| sum (aim 0.6) | 56.1 | 61.9 | 0.91 | 0.55 |

The sum before the steps below, at load 4 to 5: 57.2 of 57.0, 1.00.

Where it goes, by thread: of 2.7 s for mem0ai-graph (171 pins, 174 pages, 68.6 MB, 156,878 files) before these steps, 1.35 were
the process of the pages (making views 0.88), 0.9 the main thread (loading modules about 0.15, the rest without a peak), 0.21
transfers of metadata, 0.22 the writer. With the steps it is 2.3 s. Of 14.9 s for acryl-datahub-all, 3.8 are build backends, 3.7
unpack source archives (one of 281 MB) and set up build environments, 3.0 the main thread, 2.0 the process of the pages, 1.6
transfers. For the two lists without a solution suggestions take 2 s of wall time.

What was tried:

- Pages: wheels are classified by the ending of their names, a signature is looked for only where a parameter begins, and blocks are
  joined without a view for each file. Making views takes a fifth to a quarter less (0.88 to 0.67 s for mem0ai-graph, 0.48 to 0.39 s
  for medium-bounded), with the same bytes as result.
- A release view that is new to the store is written as it is; it was decoded before. The parser of HTML is loaded for HTML only.
- One set of file kinds for all steps in which a page with a cutoff is classified gained nothing: the endings are different ones.
- Not avoidable without a second implementation: `packaging.markers` takes 138 M instructions to load, as much as our own modules;
  `msgspec` 70 M, `pycurl` 51 M, `diskcache` 27 M. Both processes make one connection each; reading the CA bundle takes 5 to 12 ms.
"""


def main(arguments: Sequence[str]) -> int:
    """Write docs/performance.md and docs/charts from results files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=main.__doc__)
    parser.add_argument("results", type=Path, nargs="*", help="default: all in benchmarks/results")
    parser.add_argument("--docs", type=Path, default=_DOCS)
    options = parser.parse_args(arguments)
    paths = options.results or sorted((_HERE / "results").glob("*.json"))
    files = page({path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths})
    for name, text in files.items():
        target = options.docs / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        print(target)
    return 0


def page(runs: Mapping[str, summary.RunResults]) -> dict[str, str]:
    """Return the page and its charts as text by path below ``docs``."""
    files, sections = {}, [_INTRODUCTION, _WARM_PATH, _COLD_PATH]
    for name, results in runs.items():
        charts = {f"charts/{name}-{chart}.svg": text for chart, text in _charts(results).items()}
        files.update(charts)
        images = "".join(f"![{_alternative(path)}]({path})\n\n" for path in charts)
        sections.append(
            f"## {name}\n\n{_circumstances(results)}\n\n{summary.table(results)}\n{images}{_per_package(results)}"
        )
    return {"performance.md": "\n".join(sections).rstrip() + "\n", **files}


def _circumstances(results: summary.RunResults) -> str:
    machine, link = results["machine"], results.get("link")
    words = [f"{results['made']}, {machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}"]
    words.append(f"{results['index']} index" if link is None else results["index"])
    if link:
        bandwidth = f"{link['bandwidth'] / 1e6:g} MB/s" if link["bandwidth"] else "no limit"
        words.append(f"latency {link['latency'] * 1000:g} ms, bandwidth {bandwidth}")
    tools = (f"- {name} {tool['version']}: {tool['note']}" for name, tool in results["tools"].items())
    return f"{'; '.join(words)}; {results['rounds']} rounds.\n\n" + "\n".join(tools)


def _charts(results: summary.RunResults) -> dict[str, str]:
    """Return the charts of a run: one comparison for each workload and mode, one growth curve for each mode."""
    charts = {}
    groups = dict.fromkeys((case["workload"], case["mode"]) for case in results["cases"])
    for workload, mode in groups:
        rows = [
            (case["tool"], figures.median)
            for case in results["cases"]
            if (case["workload"], case["mode"]) == (workload, mode) and (figures := summary.figures(case["samples"]))
        ]
        charts[f"{workload}-{mode}"] = bar_chart(f"{workload}, {mode}: median of whole processes", rows, "s")
    for mode in dict.fromkeys(mode for _, mode in groups):
        curves = {tool: points for tool, points in _growth(results, mode).items() if len(points) >= _SIZES}
        if curves:
            labels = ("packages in the lock", "seconds")
            charts[f"growth-{mode}"] = line_chart(f"Growth, {mode}", curves, labels)
    return charts


def _growth(results: summary.RunResults, mode: str) -> dict[str, list[tuple[float, float]]]:
    """Return (packages, seconds) by tool; each tool has its own sizes, because resolutions differ."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for case, figures in _answered(results):
        if case["mode"] == mode and case["workload"].startswith("packages-"):
            curves.setdefault(case["tool"], []).append((len(case["pins"]), figures.median))
    return curves


def _per_package(results: summary.RunResults) -> str:
    """Return times per package if the run has a growth series: of the process, its CPU, and our solver."""
    rows = [
        (case["mode"], case["tool"], str(len(case["pins"])), _per(figures.median, case), _per(figures.cpu, case),
         _per(case["solve"], case) if case.get("solve") else "")
        for case, figures in _answered(results)
        if case["workload"].startswith("packages-")
    ]  # fmt: skip
    columns = ("mode", "tool", "packages", "ms per package", "CPU ms per package", "solver ms per package")
    return f"{summary.markdown(columns, sorted(rows, key=lambda row: (*row[:2], int(row[2]))))}\n" if rows else ""


def _answered(results: summary.RunResults) -> list[tuple[Mapping[str, Any], summary.Figures]]:
    pairs = ((case, summary.figures(case["samples"])) for case in results["cases"] if case["pins"])
    return [(case, figures) for case, figures in pairs if figures]


def _per(seconds: float, case: Mapping[str, Any]) -> str:
    return f"{seconds * 1000 / len(case['pins']):.2f}"


def _alternative(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".svg").replace("-", " ")
