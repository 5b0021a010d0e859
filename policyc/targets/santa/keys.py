"""The keys Santa takes from a profile, by type (SNTConfigurator.mm, _forcedConfigKeyTypes)."""

from __future__ import annotations

_NUMBERS = """
AllowDelegatedSignals BlockUSBMount ClientMode DNSUpstreamTimeoutSeconds
DisableUnknownEventUpload EnableAllEventUpload EnableAntiTamperProcessSuspendResume
EnableBadSignatureProtection EnableMachineIDDecoration EnableMenuItem EnableNATS
EnableNotificationSilences EnablePageZeroProtection EnablePushNotifications EnableSilentMode
EnableSilentTTYMode EnableStandalonePasswordFallback EnableTelemetryExport EnableTransitiveRules
EnableTransitiveWhitelisting FailClosed FileAccessGlobalLogsPerSec FileAccessGlobalWindowSizeSec
FileAccessPolicyUpdateIntervalSec FunFontsOnSpecificDays IgnoreOtherEndpointSecurityClients
MetricExportInterval MetricExportTimeout SpoolDirectoryEventMaxFlushTimeSec
SpoolDirectoryFileSizeThresholdKB SpoolDirectorySizeThresholdMB SyncEnableCleanSyncEventUpload
SyncEnableProtoTransfer TelemetryExportBatchThresholdSizeMB TelemetryExportIntervalSec
TelemetryExportMaxFilesPerBatch TelemetryExportTimeoutSec
"""
_TEXTS = """
AboutText BannedBlockMessage BannedUSBBlockMessage BrandingCompanyLogo BrandingCompanyLogoDark
BrandingCompanyName ClientAuthCertificateCN ClientAuthCertificateFile
ClientAuthCertificateIssuerCN ClientAuthCertificatePassword DismissText
EncryptedRemovableMediaAction EventDetailText EventDetailURL EventLogPath EventLogType FCMAPIKey
FCMEntity FCMProject FileAccessBlockMessage FileAccessEventDetailText FileAccessEventDetailURL
FileAccessPolicyPlist MachineID MachineIDKey MachineIDPlist MachineOwner MachineOwnerGroupsKey
MachineOwnerKey MachineOwnerPlist MetricFormat MetricURL ModeNotificationLockdown
ModeNotificationMonitor ModeNotificationStandalone MoreInfoURL OnStartUSBOptions
OverrideFileAccessAction RemountUSBBlockMessage RemovableMediaAction ServerAuthRootsFile
SpoolDirectory SyncBaseURL SyncClientContentEncoding UnknownBlockMessage
"""
_EXPRESSIONS = """
AllowedPathRegex BlacklistRegex BlockedPathRegex FileChangesRegex WhitelistRegex
"""
_LISTS = """
AllowedSantaCommands AntiSuspendSigningIDs BinaryUploadFilterExpressions
EnabledProcessAnnotations EncryptedRemovableMediaRemountFlags EntitlementsPrefixFilter
EntitlementsTeamIDFilter FileChangesPrefixFilters MachineOwnerGroups RemountUSBMode
RemovableMediaRemountFlags StaticRules Telemetry TelemetryFilterExpressions
"""
_TABLES = """
FileAccessPolicy MetricExtraLabels SyncExtraHeaders SyncProxyConfiguration
"""
_DATA = """
ServerAuthRootsData
"""

TYPES: dict[str, type] = {
    **dict.fromkeys(_NUMBERS.split(), int),
    **dict.fromkeys((_TEXTS + _EXPRESSIONS).split(), str),
    **dict.fromkeys(_LISTS.split(), list),
    **dict.fromkeys(_TABLES.split(), dict),
    **dict.fromkeys(_DATA.split(), bytes),
}
"""The type of every key; a switch is a number, as Santa does not tell them apart."""

EXPRESSION_KEYS = tuple(_EXPRESSIONS.split())

REPLACED = {
    "BlockUSBMount": "RemovableMediaAction",
    "RemountUSBMode": "RemovableMediaRemountFlags",
    "WhitelistRegex": "AllowedPathRegex",
    "BlacklistRegex": "BlockedPathRegex",
    "EnableTransitiveWhitelisting": "EnableTransitiveRules",
}
"""Old names, with what stands for them now."""
