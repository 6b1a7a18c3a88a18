"""The three requests of the unary rows as protobuf bytes (proto/tuplespace/v1/space.proto), in
hexadecimal: the raw gRPC client sends them as they are, so that nothing of ours but the server is
measured."""

TUPLE_BYTES = 100
FIRST_NUMBER = 1_000_000_000


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """A length-delimited field: text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def scalar(number, value):
    return varint(number << 3) + varint(value)


def string_value(text):
    return field(5, text.encode())


def int_value(number):
    return scalar(3, number * 2)  # sint64, not negative


def out_request(space):
    """("job", number, padding): 100 canonical bytes, as bench_client writes them."""
    values = string_value("job"), int_value(FIRST_NUMBER), string_value("p" * (TUPLE_BYTES - 12))
    return (field(1, space.encode()) + field(2, b"".join(field(1, v) for v in values))).hex()


def take_request(space):
    """("job", ?int, ?), without waiting."""
    patterns = field(2, string_value("job")), scalar(3, 3), b""
    wanted = b"".join(field(1, p) for p in patterns)
    return (field(1, space.encode()) + field(2, wanted) + scalar(3, 0)).hex()


in_request = take_request
rd_request = take_request
