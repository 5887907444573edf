"""A training as event files that TensorBoard reads, written without it.

An event file is a row of records (length, checksum, bytes, checksum), each a protocol buffer "Event" with a time, a
step and scalars: tensorflow/core/util/event.proto and tensorflow/core/lib/io/record_writer.h describe them.
"""

from __future__ import annotations

import math
import os
import struct
import time
from typing import TYPE_CHECKING, Self

from fastdl.callbacks.callback import Callback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastdl.trainer import Trainer

POLYNOMIAL = 0x82F63B78  # of CRC-32C (Castagnoli), reflected
MASK = 0xA282EAD8
LARGEST = (2.0 - 2.0**-23) * 2.0**127  # of float32


def crc_table() -> list[int]:
    """Checksums of single bytes."""
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        found.append(byte)
    return found


CRC = crc_table()


def masked_crc(data: bytes) -> int:
    """CRC-32C, rotated by 15 bits and shifted, as records carry it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One record of the file."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def piece(number: int, data: bytes) -> bytes:
    """A field of bytes of a protocol buffer."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def as_float32(value: float) -> float:
    """The same, or infinity where float32 ends."""
    return math.copysign(math.inf, value) if abs(value) > LARGEST else value


def event(seconds: float, step: int, scalars: Mapping[str, float]) -> bytes:
    """An event with a value for each name."""
    values = (
        piece(1, piece(1, name.encode()) + varint(2 << 3 | 5) + struct.pack("<f", as_float32(value)))
        for name, value in scalars.items()
    )
    head = varint(1 << 3 | 1) + struct.pack("<d", seconds) + varint(2 << 3) + varint(step)
    return head + piece(5, b"".join(values))


def first_event(seconds: float) -> bytes:
    """What every file begins with."""
    return varint(1 << 3 | 1) + struct.pack("<d", seconds) + piece(3, b"brain.Event:2")


class TensorBoard(Callback):
    """Write every column of the history for TensorBoard, an event an epoch: `tensorboard --logdir FOLDER`.

    Parameters
    ----------
    folder : path-like
        Where the file goes; it is made if need be. Each fit writes a file of its own, whose steps go on. Of several
        networks that are trained side by side each has a folder inside.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = os.fspath(folder)
        self._path = ""  # of the file, which is open while it is written to only: a training may end anyhow

    def on_train_begin(self, trainer: Trainer) -> None:
        """Begin a file, so that one that can't be written fails before the training."""
        os.makedirs(self.folder, exist_ok=True)
        now = time.time()
        number = 0
        while True:
            path = os.path.join(self.folder, f"events.out.tfevents.{int(now)}.fastdl.{os.getpid()}.{number}")
            try:
                with open(path, "xb") as file:
                    file.write(record(first_event(now)))
                break
            except FileExistsError:
                number += 1
        self._path = path

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Add an event."""
        scalars = {name: float(value) for name, value in logs.items()}
        with open(self._path, "ab") as file:
            file.write(record(event(time.time(), epoch, scalars)))

    def for_member(self, number: int) -> Self:
        """One that writes into a folder "member-0" and so on inside, which TensorBoard shows as runs."""
        own = super().for_member(number)
        own.folder = os.path.join(self.folder, f"member-{number}")
        return own
