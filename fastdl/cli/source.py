"""A text file as its lines: packed or not, in which encoding, and whether it is text at all."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from fastdl.cli.lines import DELIMITERS
from fastdl.cli.words import shown

GZIP = b"\x1f\x8b"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# How files begin that are sometimes called .csv, and what to do about them.
FOREIGN = {
    b"PK\x03\x04": "a .zip file or a spreadsheet like .xlsx; export the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls); export the table as CSV",
    b"PAR1": "a .parquet file; give it that suffix",
    b"\x93NUMPY": "a .npy file; save X and y by numpy.savez as .npz",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "a SQLite database",
    b"BZh": "packed by bzip2; unpack it, or pack it by gzip",
    b"\xfd7zXZ": "packed by xz; unpack it, or pack it by gzip",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it, or pack it by gzip",
    b"7z\xbc\xaf": "packed by 7-zip; unpack it, or pack it by gzip",
    b'{"': "JSON; turn it into CSV",
    b"[{": "JSON; turn it into CSV",
    b"<!DOCTYPE": "a web page; was the download a page that asks to log in?",
    b"<!doctype": "a web page; was the download a page that asks to log in?",
    b"<html": "a web page; was the download a page that asks to log in?",
}
START = 4096  # bytes by which text is told from anything else
SAVE = 'save it as UTF-8 (in a spreadsheet: "CSV UTF-8")'


@contextmanager
def open_text(path: str) -> Iterator[IO[str]]:
    """Open a text file; what is wrong with its bytes becomes an error that says where."""
    try:
        with open_bytes(path) as raw:
            encoding = look(path, raw)
            with io.TextIOWrapper(raw, encoding=encoding, newline="") as file:
                yield file
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {wrong_encoding(path)}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: not a whole .gz file ({error}); copy or pack it again") from error


def open_bytes(path: str) -> io.BufferedReader:
    """Open a file, unpacked if it was packed by gzip."""
    return io.BufferedReader(gzip.open(path, "rb")) if is_packed(path) else open(path, "rb")


def is_packed(path: str) -> bool:
    """Whether a file was packed by gzip, whatever it is called."""
    with open(path, "rb") as file:
        return file.read(2) == GZIP


def look(path: str, raw: io.BufferedReader) -> str:
    """The encoding of a file, by its first bytes.

    Raises
    ------
    ValueError
        If they are not those of a text.
    """
    start = raw.peek(START)[:START]
    for mark, meaning in FOREIGN.items():
        if start.startswith(mark):
            raise ValueError(f"{path}: this is no table of text but {meaning}")
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith(UTF_16):
        return "utf-16"
    if len(start) > 3 and b"\0" in start:
        for encoding, zeros, others in (("utf-16le", start[1::2], start[::2]), ("utf-16be", start[::2], start[1::2])):
            if 2 * zeros.count(0) > len(zeros) and 10 * others.count(0) < len(others):
                raise ValueError(
                    f"{path}: line 1: this is UTF-16 text without its mark; {SAVE}, or: iconv -f {encoding} -t utf-8"
                    f" {os.path.basename(path)} > new.csv"
                )
    strange = sum(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in start)
    if 20 * strange > len(start):
        raise ValueError(f"{path}: this is no text file, but binary data")
    return "utf-8-sig"


def wrong_encoding(path: str) -> str:
    """Where a file stops being UTF-8, and what it may be."""
    with open_bytes(path) as file:
        if file.peek(2)[:2] in UTF_16:
            return f"broken UTF-16 text: the file ends within a letter, or its mark is wrong; {SAVE}"
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                before = line[: error.start].decode("utf-8-sig")
                column = max(map(before.count, DELIMITERS)) + 1
                # Where no word is nearby, on both sides of a byte of no letter, what is printed is the cell.
                start = max(map(before.rfind, DELIMITERS)) + 1
                guess = (before[start:] + line[error.start :].decode("cp1252", "replace")).splitlines()[0]
                guess = guess[: min([place for place in map(guess.find, DELIMITERS) if place > 0], default=60)]
                return (
                    f"line {number}, column {column} is not UTF-8 text (byte 0x{line[error.start]:02x}); {SAVE}, or, if"
                    f" the cell should read {shown(guess.strip())}: iconv -f cp1252 -t utf-8 {os.path.basename(path)}"
                    " > new.csv"
                )
    return f"not UTF-8 text; {SAVE}"
