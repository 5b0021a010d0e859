"""Which formats a file name promises.

Curated from the extensions of ATT&CK T1204.002 and T1036.008, Explorer's registrations and
the media types that Apache Tika gives these extensions. An extension that is not here
claims nothing. Where several formats are normal under one extension all are listed, the
expected one first.
"""

from __future__ import annotations

from policyc.model.formats import FileFormat as F

_TABLE: tuple[tuple[tuple[F, ...], str], ...] = (
    # Images that Windows loads.
    ((F.PE,), "exe scr dll sys ocx cpl pyd drv efi ax acm mui xll wll tsp ime winmd netmodule"),
    ((F.PE,), "com pif"),
    ((F.ELF,), "elf ko"),
    ((F.ELF, F.SCRIPT), "run"),
    ((F.ELF,), "appimage"),
    ((F.MACHO,), "dylib kext"),
    ((F.JAVA_CLASS,), "class"),
    ((F.DEX,), "dex"),
    ((F.WASM,), "wasm"),
    ((F.PYC,), "pyc pyo"),
    ((F.LNK,), "lnk"),
    ((F.MSI,), "msi msp mst"),
    ((F.CHM,), "chm"),
    ((F.JAR,), "jar war ear"),
    ((F.APK,), "apk"),
    # Scripts. A script of these kinds is text; without a shebang some are only text.
    ((F.SCRIPT,), "bat cmd ps1 psm1 psd1 vbs vbe jse wsf wsh sct wsc"),
    ((F.SCRIPT, F.HTML, F.XML), "hta"),
    ((F.SCRIPT,), "sh bash zsh ksh csh fish command py pyw pl pm rb php lua tcl awk groovy"),
    ((F.SCRIPT, F.TEXT), "js mjs cjs r"),
    ((F.SCRIPT, F.TEXT, F.HTML, F.XML), "jsp asp aspx phtml"),
    # Containers.
    ((F.ZIP, F.JAR, F.APK), "zip"),
    ((F.ZIP,), "nupkg whl vsix xpi appx msix appxbundle msixbundle"),
    ((F.ZIP, F.SCRIPT), "egg pyz"),
    ((F.RAR,), "rar"),
    ((F.SEVENZIP,), "7z"),
    ((F.CAB,), "cab msu"),
    ((F.TAR,), "tar"),
    ((F.GZIP,), "gz tgz gzip"),
    ((F.BZIP2,), "bz2 tbz tbz2"),
    ((F.XZ,), "xz txz"),
    ((F.ZSTD,), "zst tzst"),
    ((F.DEB,), "deb udeb"),
    ((F.RPM,), "rpm"),
    ((F.XAR,), "xar"),
    ((F.XAR, F.GZIP), "pkg"),
    ((F.ISO,), "iso"),
    ((F.VHD,), "vhd vhdx"),
    # Documents.
    ((F.PDF,), "pdf"),
    ((F.RTF,), "rtf"),
    ((F.POSTSCRIPT,), "ps eps"),
    ((F.POSTSCRIPT, F.PDF), "ai"),
    ((F.OLE, F.RTF, F.OOXML, F.HTML, F.XML), "doc dot"),
    ((F.OLE, F.OOXML, F.HTML, F.XML), "xls xlt ppt pps pot"),
    ((F.OLE,), "vsd"),
    # Outlook and Publisher share these with message catalogs and public keys.
    ((F.OLE, F.TEXT), "msg pub"),
    ((F.ONENOTE,), "one"),
    ((F.CAB, F.ONENOTE), "onepkg"),
    ((F.OOXML, F.OLE), "docx dotx xlsx xltx pptx potx ppsx vsdx"),
    ((F.OOXML, F.OLE), "docm dotm xlsm xltm xlsb xlam pptm potm ppsm ppam"),
    ((F.ODF,), "odt ods odp odg odf odb odc odi odm ott ots otp otg oth"),
    ((F.EPUB,), "epub"),
    # Media.
    ((F.JPEG,), "jpg jpeg jpe jfif"),
    ((F.PNG,), "png apng"),
    ((F.GIF,), "gif"),
    ((F.BMP,), "bmp dib"),
    ((F.WEBP,), "webp"),
    ((F.TIFF,), "tif tiff"),
    ((F.ICO, F.PNG, F.BMP), "ico cur"),
    ((F.MP3,), "mp3"),
    ((F.MP4,), "mp4 m4a m4v mov 3gp heic heif avif"),
    ((F.OGG,), "ogg oga ogv opus"),
    ((F.FLAC,), "flac"),
    ((F.RIFF,), "wav avi"),
    ((F.MATROSKA,), "mkv mka webm"),
    # Text.
    ((F.HTML, F.XML, F.TEXT), "htm html xhtml shtml"),
    ((F.XML, F.TEXT), "xml svg xsl xslt xsd"),
    ((F.TEXT, F.XML), "config manifest csproj vbproj plist"),
    ((F.TEXT, F.HTML, F.XML), "txt md markdown rst adoc"),
    ((F.TEXT,), "log csv tsv json yaml yml toml ini cfg conf reg inf url desktop"),
    ((F.TEXT,), "c h cc cpp cxx hpp hh cs go rs java kt swift ts tsx jsx css scss less sql"),
    ((F.TEXT,), "srt ics vcf eml pem crt asc diff patch tex bib"),
)

_CLAIMS: dict[str, tuple[F, ...]] = {
    extension: formats for formats, extensions in _TABLE for extension in extensions.split()
}


def claimed_by(extension: str) -> tuple[F, ...]:
    """The formats that ``extension`` (no dot, lower case) promises; empty if none."""
    return _CLAIMS.get(extension, ())


def known_extensions() -> tuple[str, ...]:
    """All extensions that claim something, sorted."""
    return tuple(sorted(_CLAIMS))
