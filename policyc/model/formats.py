"""The file formats policyc tells apart, and the classes its checks reason with."""

from __future__ import annotations

import enum

from policyc.model.enumeration import Enumeration


class FormatClass(enum.Enum):
    """What a format can do when a person opens it."""

    EXECUTABLE = "executable"
    SCRIPT = "script"
    CONTAINER = "container"
    DOCUMENT = "document"
    MEDIA = "media"
    TEXT = "text"
    DATA = "data"


class FileFormat(Enumeration):
    """A file format, named as the documentation and the inventory name it.

    OTHER_MEDIA is only ever claimed: a picture, a sound, a film or a model of a format that no
    reader here knows.
    """

    PE = "pe"
    ELF = "elf"
    MACHO = "macho"
    JAVA_CLASS = "java-class"
    DEX = "dex"
    WASM = "wasm"
    PYC = "pyc"
    LNK = "lnk"
    MSI = "msi"
    CHM = "chm"
    SCRIPT = "script"
    ZIP = "zip"
    JAR = "jar"
    APK = "apk"
    OOXML = "ooxml"
    ODF = "odf"
    EPUB = "epub"
    OLE = "ole"
    ONENOTE = "onenote"
    RAR = "rar"
    SEVENZIP = "7z"
    CAB = "cab"
    TAR = "tar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    AR = "ar"
    DEB = "deb"
    RPM = "rpm"
    XAR = "xar"
    ISO = "iso"
    VHD = "vhd"
    PDF = "pdf"
    RTF = "rtf"
    POSTSCRIPT = "postscript"
    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"
    BMP = "bmp"
    WEBP = "webp"
    TIFF = "tiff"
    ICO = "ico"
    MP3 = "mp3"
    MP4 = "mp4"
    OGG = "ogg"
    FLAC = "flac"
    RIFF = "riff"
    MATROSKA = "matroska"
    SQLITE = "sqlite"
    HTML = "html"
    XML = "xml"
    TEXT = "text"
    OTHER_MEDIA = "other-media"
    EMPTY = "empty"
    UNKNOWN = "unknown"

    @property
    def format_class(self) -> FormatClass:
        """The class this format belongs to."""
        return _CLASSES.get(self, FormatClass.DATA)

    @property
    def runs_natively(self) -> bool:
        """True for formats an operating system loads as code by itself."""
        return self in (FileFormat.PE, FileFormat.ELF, FileFormat.MACHO)


_CLASSES: dict[FileFormat, FormatClass] = {
    **dict.fromkeys(
        (
            FileFormat.PE,
            FileFormat.ELF,
            FileFormat.MACHO,
            FileFormat.JAVA_CLASS,
            FileFormat.DEX,
            FileFormat.WASM,
            FileFormat.PYC,
            FileFormat.LNK,
            FileFormat.MSI,
            FileFormat.CHM,
            FileFormat.JAR,
            FileFormat.APK,
        ),
        FormatClass.EXECUTABLE,
    ),
    FileFormat.SCRIPT: FormatClass.SCRIPT,
    **dict.fromkeys(
        (
            FileFormat.ZIP,
            FileFormat.RAR,
            FileFormat.SEVENZIP,
            FileFormat.CAB,
            FileFormat.TAR,
            FileFormat.GZIP,
            FileFormat.BZIP2,
            FileFormat.XZ,
            FileFormat.ZSTD,
            FileFormat.AR,
            FileFormat.DEB,
            FileFormat.RPM,
            FileFormat.XAR,
            FileFormat.ISO,
            FileFormat.VHD,
        ),
        FormatClass.CONTAINER,
    ),
    **dict.fromkeys(
        (
            FileFormat.PDF,
            FileFormat.RTF,
            FileFormat.POSTSCRIPT,
            FileFormat.OOXML,
            FileFormat.ODF,
            FileFormat.EPUB,
            FileFormat.OLE,
            FileFormat.ONENOTE,
        ),
        FormatClass.DOCUMENT,
    ),
    **dict.fromkeys(
        (
            FileFormat.JPEG,
            FileFormat.PNG,
            FileFormat.GIF,
            FileFormat.BMP,
            FileFormat.WEBP,
            FileFormat.TIFF,
            FileFormat.ICO,
            FileFormat.MP3,
            FileFormat.MP4,
            FileFormat.OGG,
            FileFormat.FLAC,
            FileFormat.RIFF,
            FileFormat.MATROSKA,
            FileFormat.OTHER_MEDIA,
        ),
        FormatClass.MEDIA,
    ),
    **dict.fromkeys((FileFormat.HTML, FileFormat.XML, FileFormat.TEXT), FormatClass.TEXT),
}
