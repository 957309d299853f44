"""``install.ps1``: the Windows counterpart of ``install.sh``, for Windows PowerShell 5.1 and PowerShell 7.

The requirements are in a single-quoted here-string: nothing in it is expanded, and it ends only at a line that *begins* with a
quote and ``@``; each line here begins with a project name, ``-``, ``#`` or a space. PowerShell treats the typographic quotes
U+2018 to U+201B as a single quote, so quoting doubles all five. Non-ASCII text gets a byte order mark, without which 5.1 reads
the file in the machine's code page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipx_parallel.emitters import merge, requirements_txt
from pipx_parallel.emitters.script_posix import ENVIRONMENT_CHECK, fill, python_versions
from pipx_parallel.locks.target_labels import environment_rows, labels
from pipx_parallel.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.model import Resolution

_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")
_TEMPLATE = r"""@HEADER@
#
# Exit codes: 0 done, 1 pip failed, 2 bad usage, 3 no usable Python, 4 no virtual environment, 5 no temporary file.
[CmdletBinding()]
param(
    [string] $Venv = '',
    [string] $Python = '',
    [switch] $UpgradePip,
    [switch] $NoCompile,
    [switch] $DryRun,
    [switch] $Help
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$Usage = @'
Usage: install.ps1 [-Venv DIR] [-Python EXE] [-UpgradePip] [-NoCompile] [-DryRun]

Installs the locked set of packages with pip into a virtual environment.

  -Venv DIR    the environment; made if it is not there (default: the active one, else .venv)
  -Python EXE  the interpreter to make the environment with (default: @PYTHONS@)
  -UpgradePip  upgrade pip in the environment first: an old pip is slow to download
  -NoCompile   do not compile to bytecode: installs faster, the first start is slower
  -DryRun      print what would be run and installed, change nothing
  -Help        print this text
'@

$Requirements = @'
@CHECKED@
'@

# Repositories and folders: pip cannot check a hash of these, and would refuse the others in the same run.
$DirectRequirements = @'
@UNCHECKED@
'@

function Stop-Install([int] $Code, [string] $Message) {
    [Console]::Error.WriteLine("install.ps1: $Message")
    exit $Code
}

function Find-Interpreter([string] $Folder) {
    foreach ($Part in @('Scripts\python.exe', 'bin/python')) {
        $Candidate = Join-Path $Folder $Part
        if (Test-Path -LiteralPath $Candidate) { return $Candidate }
    }
    return $null
}

function Show-Command([string[]] $Words) {
    Write-Output (($Words | ForEach-Object { "'" + $_.Replace("'", "''") + "'" }) -join ' ')
}

# Whether an interpreter is one that this set was locked for: $null if it is; what it is if not, '' if it does not run.
# Run, not only look for: the system and version managers leave names behind that end in an error.
function Test-Python([string] $Command) {
    $Check = @'
@CHECK@
'@
    $Preference = $ErrorActionPreference
    $ErrorActionPreference = 'SilentlyContinue'
    try {
        $Found = & $Command -I -c $Check @ROWS@ 2>$null
        if ($LASTEXITCODE -eq 0) { $Found = $null } else { $Found = "$Found" }
    }
    catch { $Found = '' }
    $ErrorActionPreference = $Preference
    return $Found
}

function Stop-Unfit([string] $What, [string] $Found) {
    [Console]::Error.WriteLine('install.ps1: ' + @TARGETS@)
    Stop-Install 3 "$What is ${Found}, where it may need other packages: lock for it, or use another Python"
}

if ($Help) { Write-Output $Usage; exit 0 }
if (-not $Venv) { if ($env:VIRTUAL_ENV) { $Venv = $env:VIRTUAL_ENV } else { $Venv = '.venv' } }
$Venv = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Venv)
@WARNINGS@
$Interpreter = Find-Interpreter $Venv
if (-not $Interpreter) {
    if (-not $Python) {
        $Tried = @()
        foreach ($Candidate in @(@PYTHON_WORDS@)) {
            $Found = 'not found'
            if (Get-Command $Candidate -CommandType Application -ErrorAction SilentlyContinue) {
                $Found = Test-Python $Candidate
                if ($null -eq $Found) { $Python = $Candidate; break }
                if (-not $Found) { $Found = 'does not run' }
            }
            $Tried += "$Candidate ($Found)"
        }
        if (-not $Python) {
            [Console]::Error.WriteLine('install.ps1: ' + @TARGETS@)
            $Problem = "no such Python found; tried $($Tried -join ', '); give one with -Python"
            if (-not $DryRun) { Stop-Install 3 $Problem }
            [Console]::Error.WriteLine("install.ps1: $Problem")
            $Python = $Candidate
        }
    }
    elseif (-not (Get-Command $Python -CommandType Application -ErrorAction SilentlyContinue)) {
        Stop-Install 3 "cannot run $Python"
    }
    elseif (-not $DryRun) {
        $Found = Test-Python $Python
        if ($Found -eq '') { Stop-Install 3 "cannot run $Python" }
        if ($null -ne $Found) { Stop-Unfit $Python $Found }
    }
    if ($DryRun) {
        Show-Command @($Python, '-I', '-m', 'venv', $Venv)
        $Interpreter = Join-Path $Venv 'Scripts\python.exe'
    }
    else {
        & $Python -I -m venv $Venv
        if ($LASTEXITCODE -ne 0) { Stop-Install 4 "cannot make a virtual environment in $Venv" }
        $Interpreter = Find-Interpreter $Venv
        if (-not $Interpreter) { Stop-Install 4 "no interpreter in $Venv" }
    }
}
if (-not $DryRun) {
    $Found = Test-Python $Interpreter
    if ($Found -eq '') { $Found = 'another environment' }
    if ($null -ne $Found) { Stop-Unfit $Venv $Found }
}

$Scratch = '(temporary folder)'
$Status = 0
try {
    if (-not $DryRun) {
        try {
            $Scratch = Join-Path ([IO.Path]::GetTempPath()) ('pipx-parallel.' + [Guid]::NewGuid().ToString('N'))
            [void] [IO.Directory]::CreateDirectory($Scratch)
            $Plain = New-Object Text.UTF8Encoding($false)
            [IO.File]::WriteAllText((Join-Path $Scratch 'requirements.txt'), $Requirements + "`n", $Plain)
            [IO.File]::WriteAllText((Join-Path $Scratch 'direct.txt'), $DirectRequirements + "`n", $Plain)
        }
        catch { Stop-Install 5 'cannot write a temporary file' }
    }
    if ($UpgradePip) {
        $Words = @('-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '--upgrade', 'pip')
        if ($DryRun) { Show-Command (@($Interpreter) + $Words) } else { & $Interpreter @Words; $Status = $LASTEXITCODE }
    }
@INSTALL@
}
finally {
    if (-not $DryRun -and (Test-Path -LiteralPath $Scratch)) { Remove-Item -LiteralPath $Scratch -Recurse -Force }
}
if ($Status -ne 0) { Stop-Install 1 'pip failed' }
if ($DryRun) { Write-Output $Requirements; Write-Output $DirectRequirements }
exit 0
"""

_INSTALL = """\
    if ($Status -eq 0) {
        $Words = @('-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps'@HASHES@)
        if ($NoCompile) { $Words += '--no-compile' }
        $Words += @('-r', (Join-Path $Scratch '@FILE@'))
        if ($DryRun) { Show-Command (@($Interpreter) + $Words) } else { & $Interpreter @Words; $Status = $LASTEXITCODE }
    }"""


def render(name: str, resolutions: Sequence[Resolution], context: LockContext) -> tuple[Artifact, ...]:
    """Return the script for all the resolutions (see ``Emitter``)."""
    lines = requirements_txt.requirement_lines(resolutions, context)
    options = list(requirements_txt.option_lines(context.options))
    targets = [resolution.target for resolution in resolutions]
    pythons = [*(f"python{version}" for version in python_versions(targets)), "python", "python3"]
    parts = {
        "@HEADER@": "\n".join(requirements_txt.header(resolutions, context)),
        "@PYTHONS@": ", ".join(pythons),
        "@PYTHON_WORDS@": ", ".join(map(powershell_quoted, pythons)),
        "@CHECK@": ENVIRONMENT_CHECK,
        "@ROWS@": " ".join(map(powershell_quoted, environment_rows(targets))),
        "@TARGETS@": powershell_quoted(f"this set was locked for {', '.join(labels(targets))}"),
        "@INSTALL@": "\n".join(_install(lines, context)),
        "@WARNINGS@": "\n".join(_warnings(resolutions)),
        "@CHECKED@": "\n".join((*options, *lines.checked)) or "# none",
        # Never an empty here-string: grammars of editors take it as the beginning of a longer one.
        "@UNCHECKED@": "\n".join((*options, *lines.unchecked)) or "# none",
    }
    text = fill(_TEMPLATE, parts)
    return (Artifact(name, text if text.isascii() else "\ufeff" + text),)


def powershell_quoted(text: str) -> str:
    """Return ``text`` as one single-quoted PowerShell string."""
    return "'" + _QUOTES.sub(r"\g<0>\g<0>", text) + "'"


def _install(lines: requirements_txt.Lines, context: LockContext) -> list[str]:
    blocks = []
    if lines.checked:
        hashes = ", '--require-hashes'" if context.hashes else ""
        blocks.append(_INSTALL.replace("@HASHES@", hashes).replace("@FILE@", "requirements.txt"))
    if lines.unchecked:
        blocks.append(_INSTALL.replace("@HASHES@", "").replace("@FILE@", "direct.txt"))
    return blocks


def _warnings(resolutions: Sequence[Resolution]) -> list[str]:
    marks = (line.removeprefix("# ") for line in merge.missing_lines(resolutions))
    return [f"[Console]::Error.WriteLine({powershell_quoted('install.ps1: ' + mark)})" for mark in marks]
