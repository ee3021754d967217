"""Pictures made from nothing, and what is in pictures that come back."""
import random
import struct
import zlib


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, pixels, channels=3, claim=None):
    """`pixels` are the bytes of all rows. `claim`: the size that the header tells instead."""
    kind = {1: 0, 3: 2, 4: 6}[channels]
    stride = width * channels
    rows = b"".join(b"\0" + pixels[y * stride:(y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", *(claim or (width, height)), 8, kind, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 1))
            + _chunk(b"IEND", b""))


def photo(width, height, seed=1, channels=3):
    """Like a photograph as far as codecs care: slopes, edges and some noise."""
    noise = random.Random(seed)
    phase = [noise.randrange(256) for _ in range(4)]
    pixels = bytearray()
    for y in range(height):
        grain = noise.randbytes(width)
        for x in range(width):
            edge = 60 if (x // 37 + y // 53 + seed) % 3 == 0 else 0
            value = (x * 2 + y + edge + (grain[x] >> 4))
            pixels += bytes(((value + phase[0]) & 255, (value // 2 + phase[1]) & 255,
                             (y * 3 + phase[2] + (grain[x] >> 5)) & 255,
                             (x + y + phase[3]) & 255)[:channels])
    return png(width, height, bytes(pixels), channels)


QUADRANTS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255),
             "yellow": (255, 255, 0)}


def quadrants(width, height):
    """Red and green above, blue and yellow below."""
    def row(left, right):
        return bytes(QUADRANTS[left]) * (width // 2) + bytes(QUADRANTS[right]) * (width // 2)
    return png(width, height, row("red", "green") * (height // 2)
               + row("blue", "yellow") * (height // 2))


def _lzw(pixels):
    """Codes of 9 bits that are never grown: the table is cleared before it could."""
    bits, count = 0, 0
    out = bytearray()
    codes = []
    for at in range(0, len(pixels), 250):
        codes += [256, *pixels[at:at + 250]]
    for code in codes + [257]:
        bits |= code << count
        count += 9
        while count >= 8:
            out.append(bits & 255)
            bits >>= 8
            count -= 8
    out.append(bits & 255)
    return b"".join(bytes([len(out[at:at + 255])]) + out[at:at + 255]
                    for at in range(0, len(out), 255)) + b"\0"


def gif(width, height, frames, claim=None):
    """An animation: frame n is all of the colour with index n + 1."""
    palette = bytes(range(256)) * 3
    data = b"GIF89a" + struct.pack("<HHBBB", *(claim or (width, height)), 0xf7, 0, 0) + palette
    data += b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    for number in range(frames):
        data += b"\x21\xf9\x04\x04\x05\x00\x00\x00" + b"\x2c" + struct.pack(
            "<HHHHB", 0, 0, width, height, 0) + b"\x08" + _lzw(bytes([number % 255 + 1])
                                                              * (width * height))
    return data + b"\x3b"


def kind_of(data):
    """The media type that the first bytes tell."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return None


def size_of(data):
    """Width and height of a PNG, GIF or JPEG."""
    kind = kind_of(data)
    if kind == "image/png":
        return struct.unpack(">II", data[16:24])
    if kind == "image/gif":
        return struct.unpack("<HH", data[6:10])
    assert kind == "image/jpeg", kind
    at = 2
    while True:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])[0]
        if marker in (0xc0, 0xc1, 0xc2):
            return struct.unpack(">HH", data[at + 5:at + 9])[::-1]
        at += 2 + length


def pixels_of(data):
    """Width, height and rows of pixels of a PNG of 8 bits that is not interlaced."""
    width, height = size_of(data)
    depth, kind, _, _, interlaced = data[24:29]
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    assert depth == 8 and not interlaced
    packed, at = b"", 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        if name == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    raw, stride = zlib.decompress(packed), width * channels
    before, rows = bytearray(stride), []
    for y in range(height):
        how, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:][:stride])
        for i in range(stride):
            left = line[i - channels] if i >= channels else 0
            corner = before[i - channels] if i >= channels else 0
            line[i] = (line[i] + _predicted(how, left, before[i], corner)) & 255
        rows.append([tuple(line[x:x + channels]) for x in range(0, stride, channels)])
        before = line
    return width, height, rows


def _predicted(how, left, up, corner):
    if how == 4:
        near = left + up - corner
        return min((left, up, corner), key=lambda value: abs(near - value))
    return (0, left, up, (left + up) // 2)[how]
