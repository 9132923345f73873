"""Zip archives of PyTorch's kind, read and written: stored records only, each one checked by its CRC.

The reader trusts nothing: offsets, sizes, names and overlaps are checked before a byte of a record is used, nothing is
ever extracted or unpacked. Knows no pickles and no tensors.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64, LOCATOR64 = b"PK\x06\x06", b"PK\x06\x07"
SHORT, LONG = 0xFFFF, 0xFFFFFFFF  # what a field holds whose value stands in the zip64 part
ALIGNMENT = 64
FAILED = (
    "PytorchStreamReader failed reading zip archive: {why}. There is a high likelihood that your checkpoint file is "
    "corrupted: it was not saved or transferred completely, was changed, or is no file of torch.save."
)
MISSING = "PytorchStreamReader failed locating file {name}: file not found"


def failed(why: str) -> RuntimeError:
    """The error for an archive that is no sound one."""
    return RuntimeError(FAILED.format(why=why))


class Record(NamedTuple):
    """One entry of the table of contents. `header`: where its local header starts; `start`: where its bytes do."""

    name: str
    crc: int
    size: int
    header: int
    start: int


class Archive:
    """The records of a zip file that can be read and sought. RuntimeError for what is damaged or not as it should be.

    Names are given without the folder that all records lie in ("data.pkl", "data/0").
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        file.seek(0, 2)
        self.length = file.tell()
        self.records: dict[str, Record] = {}
        self._read_contents(*self._find_contents())
        first = next(iter(self.records), "")
        if "/" not in first:
            raise failed("its records lie in no folder")
        self.folder = first.partition("/")[0]

    def __contains__(self, name: str) -> bool:
        return f"{self.folder}/{name}" in self.records

    def names(self) -> list[str]:
        """The names of all records below the folder."""
        start = self.folder + "/"
        return [name[len(start):] for name in self.records if name.startswith(start)]

    def size(self, name: str) -> int:
        """The number of bytes of a record. RuntimeError if there is none of that name."""
        return self._record(name).size

    def read_into(self, name: str, target: Any) -> None:
        """Fill a buffer of exactly the record's size with its bytes; RuntimeError unless their CRC is right."""
        record = self._record(name)
        view = memoryview(target)
        if view.nbytes != record.size:
            raise failed(f"record {name} has {record.size} bytes where {view.nbytes} are needed")
        self.file.seek(record.start)
        done = 0
        while done < record.size:
            part = self.file.read(min(record.size - done, 1 << 24))
            if not part:
                raise failed(f"record {name} is cut off")
            view[done : done + len(part)] = part
            done += len(part)
        if zlib.crc32(view) != record.crc:
            raise failed(f"record {name} does not have the CRC that the archive gives for it (bad CRC-32)")

    def read(self, name: str) -> bytes:
        """The bytes of a record; RuntimeError unless their CRC is right."""
        target = bytearray(self.size(name))
        self.read_into(name, target)
        return bytes(target)

    def _record(self, name: str) -> Record:
        found = self.records.get(f"{self.folder}/{name}")
        if found is None:
            raise RuntimeError(MISSING.format(name=name))
        return found

    def _bytes(self, start: int, count: int) -> bytes:
        if start < 0 or count < 0 or start + count > self.length:
            raise failed("it points outside of the file")
        self.file.seek(start)
        found = self.file.read(count)
        if len(found) != count:
            raise failed("the file is cut off")
        return bytes(found)

    def _find_contents(self) -> tuple[int, int, int]:
        """Where the table of contents starts, its bytes and its entries."""
        if self._bytes(0, min(4, self.length)) != LOCAL:
            raise failed("not a ZIP archive")
        tail_start = max(0, self.length - 22 - SHORT)
        tail = self._bytes(tail_start, self.length - tail_start)
        at = tail.rfind(END)
        if at < 0 or len(tail) - at < 22:
            raise failed("failed finding central directory")
        disk, first, here, entries, size, start, comment = struct.unpack("<HHHHLLH", tail[at + 4 : at + 22])
        end = tail_start + at
        if end + 22 + comment != self.length:
            raise failed("failed finding central directory")
        if SHORT in (here, entries) or LONG in (size, start):
            entries, size, start, end = self._find_contents64(end - 20)
        elif disk or first or here != entries:
            raise failed("it is split over several files")
        if start + size > end:
            raise failed("its central directory is out of place")
        return start, size, entries

    def _find_contents64(self, at: int) -> tuple[int, int, int, int]:
        sign, _, end, _ = struct.unpack("<4sLQL", self._bytes(at, 20))
        if sign != LOCATOR64:
            raise failed("failed finding central directory")
        found = struct.unpack("<4sQHHLLQQQQ", self._bytes(end, 56))
        if found[0] != END64 or found[4] or found[5] or found[6] != found[7]:
            raise failed("failed finding central directory")
        return found[7], found[8], found[9], end

    def _read_contents(self, start: int, size: int, entries: int) -> None:
        if entries * 46 > size:
            raise failed("its central directory is too short")
        table = self._bytes(start, size)
        at = 0
        for _ in range(entries):
            record, at = self._entry(table, at, start)
            if record.name in self.records:
                raise failed(f"two records are called {record.name!r}")
            self.records[record.name] = record
        if at != size:
            raise failed("its central directory has something behind its entries")
        end = 0
        for record in sorted(self.records.values(), key=lambda one: one.header):
            if record.header < end:
                raise failed(f"record {record.name} overlaps another")
            end = record.start + record.size
        if end > start:
            raise failed("a record reaches into the central directory")

    def _entry(self, table: bytes, at: int, limit: int) -> tuple[Record, int]:
        """One entry of the table of contents, checked, and where the next one starts."""
        if table[at : at + 4] != CENTRAL or at + 46 > len(table):
            raise failed("its central directory is damaged")
        (flags, method, _, _, crc, packed, size, names, extras, comments, _, _, _, header) = struct.unpack(
            "<HHHHLLLHHHHHLL", table[at + 8 : at + 46]
        )
        end = at + 46 + names + extras + comments
        if end > len(table):
            raise failed("its central directory is damaged")
        name = _name(table[at + 46 : at + 46 + names])
        if LONG in (size, packed, header):
            size, packed, header = _wide(table[at + 46 + names : at + 46 + names + extras], size, packed, header)
        if flags & 0x2041:
            raise failed(f"record {name} is encrypted")
        if method or packed != size:
            raise failed(f"record {name} is compressed, which torch.save never does")
        local = self._bytes(header, 30)
        local_names, local_extras = struct.unpack("<HH", local[26:30])
        start = header + 30 + local_names + local_extras
        if local[:4] != LOCAL or local[8:10] != b"\0\0" or start + size > limit:
            raise failed(f"record {name} is not where the archive says")
        if self._bytes(header + 30, local_names) != table[at + 46 : at + 46 + names]:
            raise failed(f"record {name} has another name in its own header")
        return Record(name, crc, size, header, start), end


def _name(raw: bytes) -> str:
    """A record's name; RuntimeError for one that no archive of torch.save has: absolute, or leading upwards."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise failed("a record's name is no text") from None
    parts = name.split("/")
    if not name or "\\" in name or "\0" in name or ":" in parts[0] or parts[0] == "" or {".", ".."} & set(parts):
        raise failed(f"a record is called {name!r}, which is not a name inside the archive")
    return name


def _wide(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """The values of fields that are too small for them, from the zip64 part of an entry."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack("<HH", extra[at : at + 4])
        if kind == 1:
            numbers = [one for (one,) in struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8])]
            wanted = [one == LONG for one in (size, packed, header)]
            if len(numbers) < sum(wanted):
                break
            found = iter(numbers)
            size, packed, header = (next(found) if wide else old for wide, old in zip(wanted, (size, packed, header)))
            return size, packed, header
        at += 4 + length
    raise failed("the zip64 part of an entry is damaged")


class ArchiveWriter:
    """Writes records one after the other to something with `write`, each record's bytes at a multiple of 64."""

    def __init__(self, file: Any, folder: str) -> None:
        self.file = file
        self.folder = folder
        self.position = 0
        self.contents: list[bytes] = []
        self.sums: list[int] = []

    def _write(self, data: Any) -> None:
        self.file.write(data)
        self.position += memoryview(data).nbytes

    def add(self, name: str, data: Any) -> None:
        """Write a record from anything with a flat buffer."""
        view = memoryview(data)
        raw = f"{self.folder}/{name}".encode()
        crc, size, header = zlib.crc32(view), view.nbytes, self.position
        self.sums.append(zlib.crc32(raw, crc))
        wide = struct.pack("<HHQQ", 1, 16, size, size) if size >= LONG else b""
        start = header + 30 + len(raw) + len(wide) + 4
        padding = b"FB" + struct.pack("<H", -start % ALIGNMENT) + b"Z" * (-start % ALIGNMENT)
        short = LONG if wide else size
        fixed = struct.pack("<HHHHLLL", 0x800, 0, 0, 0x21, crc, short, short)
        version = 45 if wide or header >= LONG else 20
        self._write(LOCAL + struct.pack("<H", version) + fixed + struct.pack("<HH", len(raw), len(wide) + len(padding)))
        self._write(raw + wide + padding)
        if size:
            self._write(view)
        numbers = ([size, size] if wide else []) + ([header] if header >= LONG else [])
        extra = struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
        self.contents.append(
            CENTRAL + struct.pack("<HH", version, version) + fixed
            + struct.pack("<HHHHHLL", len(raw), len(extra), 0, 0, 0, 0, min(header, LONG)) + raw + extra
        )

    def finish(self) -> None:
        """Write a number made of all records' names and CRCs, and the table of contents."""
        number = 0
        for one in self.sums:
            number = (number * 0x9E3779B97F4A7C15F39CC0605CEDC835 + one + 1) % 10**40
        self.add(".data/serialization_id", f"{number:040d}".encode())
        start, entries = self.position, len(self.contents)
        self._write(b"".join(self.contents))
        size = self.position - start
        if entries >= SHORT or size >= LONG or start >= LONG:
            end = self.position
            self._write(END64 + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, entries, entries, size, start))
            self._write(LOCATOR64 + struct.pack("<LQL", 0, end, 1))
        count = min(entries, SHORT)
        self._write(END + struct.pack("<HHHHLLH", 0, 0, count, count, min(size, LONG), min(start, LONG), 0))
