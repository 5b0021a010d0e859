# Installs applocker.xml on this machine as local policy; -Rollback puts back what was there.
# Run it as an administrator, in Windows PowerShell.
param([switch]$Rollback)
$ErrorActionPreference = 'Stop'
$kept = Join-Path $env:ProgramData 'policyc\applocker-before.xml'
if ($Rollback) {
    if (-not (Test-Path $kept)) { throw 'nothing to go back to' }
    Set-AppLockerPolicy -XmlPolicy $kept
    Write-Output 'the policy that was there before is back'
    return
}
$new = Join-Path (Split-Path $PSScriptRoot) 'applocker.xml'
New-Item -ItemType Directory -Force (Split-Path $kept) | Out-Null
Get-AppLockerPolicy -Local -Xml | Set-Content -Encoding Unicode $kept
sc.exe config appidsvc start=auto | Out-Null
sc.exe start appidsvc | Out-Null
Set-AppLockerPolicy -XmlPolicy $new
$running = (Get-Service AppIDSvc).Status -eq 'Running'
if (-not $running) { Write-Warning 'the Application Identity service does not run: nothing is enforced' }
Write-Output 'installed (enforced)'
