# Made by pipx-parallel with this command:
#    pipx-parallel lock requirements.in
# pipx-parallel: inputs sha256:4aa79d199ac08886653a3f7a936e0a37e009478c0b39ea8c054343bed666e8cc
# For cpython 3.11 linux x86_64.
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
  -Python EXE  the interpreter to make the environment with (default: python3.11, python, python3)
  -UpgradePip  upgrade pip in the environment first: an old pip is slow to download
  -NoCompile   do not compile to bytecode: installs faster, the first start is slower
  -DryRun      print what would be run and installed, change nothing
  -Help        print this text
'@

$Requirements = @'
anyio==4.16.0 \
    --hash=sha256:249a2ae4151d2826a24d18a9bc597fa8d112a5752c1182fb970f8e20c5108e73 \
    --hash=sha256:9571d28e1c06c1f63896c9635476940bc0c48060d03ce0b05fcc462200a61b02
certifi==2026.1.1 \
    --hash=sha256:28a52c5362645432b428788ce1fc55c576ead28ba67402758b8bebf2997c536b \
    --hash=sha256:2a7e904fbab0248529ca80b41cf42f9d5d4bead10d5d01236e20c09b0d6ceccd
h11==0.16.0 \
    --hash=sha256:87cb563c3efcd38a0ac387be3f424becfe0828a30699ce45bb51277a5164845d \
    --hash=sha256:9b6d6d48a84033c1a1bf9651757cb85fc518d4b4130613cdd1c406f3a7fddced
httpcore==1.0.9 \
    --hash=sha256:028c396122a1b5875ebe41cfece18662708f8d480bc2f2733b18dda1efb80e51 \
    --hash=sha256:f8f9971d6c0156d5386cec4a38686c9101377bf78950e6e996249a5e1931d18b
httptools==0.6.4 \
    --hash=sha256:eaf424b9dc2db8e705c07022923365636a043143b106b93e0264b4903fcce3aa \
    --hash=sha256:fe7128f81d970bd2de065d0f04378dd29e79371cc7f165b5f2f387cbe740524b
httpx[socks]==0.28.1 \
    --hash=sha256:ab9beb19abac8cb42d089149fc2b7d19ca44b85354a8db085b6ff7de5607df6f \
    --hash=sha256:d11068b0fad906c8965e535d348ab741b2a19cbeafe066105c0c619bc308aa4a
idna==3.10 \
    --hash=sha256:6900fe2c6f8c58b85a7d96f4b0937545e40289be9e0aa2392b3035f3bc176d6b \
    --hash=sha256:cb0c73b778992a64913402aa2b222077f09ad1627b85526d8b9c2aa770daa1f1
socksio==1.0.0 \
    --hash=sha256:011668e634fe112f7f2de443bd981a4cf93c705ae068ecda1ce4e8262f23823d \
    --hash=sha256:1ac6739d3ccb492ba1eab508adb7d10fa8057e17d3a15add1985331e86a01998
'@

# Repositories and folders: pip cannot check a hash of these, and would refuse the others in the same run.
$DirectRequirements = @'
# none
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
import platform, sys
own = [sys.implementation.name, sys.platform, platform.machine()]
number = lambda text: tuple(map(int, text.split(chr(46))))
rows = [row.split(chr(44)) for row in sys.argv[1:]]
same = [row for row in rows if all(a in (b, chr(42)) for a, b in zip(row, own))]
fits = [number(row[3]) <= sys.version_info[:3] < number(row[4]) for row in same]
any(fits) or print(own[0], platform.python_version(), own[1], own[2])
sys.exit(not any(fits))
'@
    $Preference = $ErrorActionPreference
    $ErrorActionPreference = 'SilentlyContinue'
    try {
        $Found = & $Command -I -c $Check 'cpython,linux,x86_64,3.11.0,3.12.0' 2>$null
        if ($LASTEXITCODE -eq 0) { $Found = $null } else { $Found = "$Found" }
    }
    catch { $Found = '' }
    $ErrorActionPreference = $Preference
    return $Found
}

function Stop-Unfit([string] $What, [string] $Found) {
    [Console]::Error.WriteLine('install.ps1: ' + 'this set was locked for cpython 3.11 linux x86_64')
    Stop-Install 3 "$What is ${Found}, where it may need other packages: lock for it, or use another Python"
}

if ($Help) { Write-Output $Usage; exit 0 }
if (-not $Venv) { if ($env:VIRTUAL_ENV) { $Venv = $env:VIRTUAL_ENV } else { $Venv = '.venv' } }
$Venv = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Venv)

$Interpreter = Find-Interpreter $Venv
if (-not $Interpreter) {
    if (-not $Python) {
        $Tried = @()
        foreach ($Candidate in @('python3.11', 'python', 'python3')) {
            $Found = 'not found'
            if (Get-Command $Candidate -CommandType Application -ErrorAction SilentlyContinue) {
                $Found = Test-Python $Candidate
                if ($null -eq $Found) { $Python = $Candidate; break }
                if (-not $Found) { $Found = 'does not run' }
            }
            $Tried += "$Candidate ($Found)"
        }
        if (-not $Python) {
            [Console]::Error.WriteLine('install.ps1: ' + 'this set was locked for cpython 3.11 linux x86_64')
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
    if ($Status -eq 0) {
        $Words = @('-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '--require-hashes')
        if ($NoCompile) { $Words += '--no-compile' }
        $Words += @('-r', (Join-Path $Scratch 'requirements.txt'))
        if ($DryRun) { Show-Command (@($Interpreter) + $Words) } else { & $Interpreter @Words; $Status = $LASTEXITCODE }
    }
}
finally {
    if (-not $DryRun -and (Test-Path -LiteralPath $Scratch)) { Remove-Item -LiteralPath $Scratch -Recurse -Force }
}
if ($Status -ne 0) { Stop-Install 1 'pip failed' }
if ($DryRun) { Write-Output $Requirements; Write-Output $DirectRequirements }
exit 0
