"""Who may include and link whom: the arrows of tuplespace/README.md as two tables."""

import re

ROOT = {"status", "clock", "log", "metrics"}  # tuplespace/*.h, the only shared headers

# folder: the folders whose headers it may include. The root headers are for everybody.
MAY_INCLUDE = {
    "tuplespace/tuple": set(),
    "tuplespace/store": set(),
    "tuplespace/space": {"tuplespace/tuple"},
    "tuplespace/engine": {"tuplespace/space", "tuplespace/store", "tuplespace/tuple"},
    "tuplespace/server": {"tuplespace/engine", "tuplespace/space", "tuplespace/store",
                          "tuplespace/tuple", "proto"},
    "clients/cpp": {"tuplespace/engine", "tuplespace/space", "tuplespace/store",
                    "tuplespace/tuple", "proto"},
    "clients/cli": {"clients/cpp", "tuplespace/tuple"},
}
# Single headers beyond that.
MAY_ALSO_INCLUDE = {"tuplespace/space": {"tuplespace/store/batch.h"}}

# What only some may know. `tests` may know everything.
GRPC = re.compile(r"(grpc|grpcpp|google/protobuf)/|tuplespace/(v1|raw)/.*\.pb\.h$")
ROCKSDB = re.compile(r"rocksdb/")
ROCKSDB_FILES = re.compile(r"tuplespace/store/(rocksdb|wal)_\w+\.(cc|h)$")
THREADS = re.compile(
    r"(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token"
    r"|pthread\.h)$")
ABSEIL = re.compile(r"absl/")
ABSEIL_INSIDE = re.compile(r"tuplespace/(space|engine|server)/.*\.h$")  # its containers only


def folder_of(path):
    """Returns the layer that `path` belongs to, "tuplespace" for its root files, or None."""
    for folder in (*MAY_INCLUDE, "tests", "proto", "bridge"):
        if path.startswith(folder + "/"):
            return folder
    return "tuplespace" if path.startswith("tuplespace/") else None


def folder_of_include(header):
    """Returns the layer of a header as written in #include, or None if it is not ours."""
    if re.match(r"tuplespace/(v1|raw)/", header):
        return "proto"
    if re.match(r"tuplespace/(%s)\.h$" % "|".join(ROOT), header):
        return "tuplespace"
    if re.match(r"tuplespace/[a-z_]+\.h$", header):
        return "clients/cpp"  # the public headers live in clients/cpp/include/tuplespace
    return folder_of(header)


def may(folder, other, header=""):
    if other in (None, folder, "tuplespace") or folder in (None, "tests"):
        return True
    return other in MAY_INCLUDE.get(folder, set()) or header in MAY_ALSO_INCLUDE.get(folder, ())


def wrong_includes(source):
    """A folder includes what its arrows reach and nothing else."""
    folder = folder_of(source.path)
    if source.suffix not in (".h", ".cc") or source.path == "tuplespace/main.cc":
        return  # main puts all layers together
    for number, header in source.includes():
        other = folder_of_include(header)
        if not may(folder, other, header):
            yield number, f"{folder} may not include {header} of {other}"


def wrong_links(source):
    """A folder links what it may include: the link graph is the include rule."""
    folder = folder_of(source.path)
    if source.name != "CMakeLists.txt" or folder in (None, "tests"):
        return
    owners = {"tuplespace_base": "tuplespace", "tuplespace_client": "clients/cpp",
              "tuplespace_proto": "proto", "tuplespace_proto_raw": "proto",
              "tuplespace_grpc_proto": "proto"}
    owners |= {f.replace("/", "_"): f for f in MAY_INCLUDE if f.startswith("tuplespace/")}
    owners["tuplespace_rocksdb_store"] = "tuplespace/store"
    for call in re.finditer(r"target_link_libraries\(\s*(\w+)([^)]*)\)", source.text):
        if call[1] == "tuplespaced":
            continue  # the program puts all layers together
        number = source.text.count("\n", 0, call.start()) + 1
        for library in call[2].split():
            other = owners.get(library)
            if not may(folder, other):
                yield number, f"{call[1]} of {folder} may not link {library} of {other}"


def stray_platform(source):
    """gRPC, RocksDB, threads and abseil stay where they belong."""
    folder = folder_of(source.path)
    if source.suffix not in (".h", ".cc") or folder == "tests":
        return
    for number, header in source.includes():
        if GRPC.match(header) and folder not in ("tuplespace/server", "clients/cpp", "proto"):
            yield number, f"gRPC and protobuf ({header}) belong to server and clients/cpp"
        if ROCKSDB.match(header) and not ROCKSDB_FILES.search(source.path):
            yield number, f"RocksDB ({header}) belongs to tuplespace/store/rocksdb_store"
        if THREADS.match(header) and folder in ("tuplespace/tuple", "tuplespace/space"):
            yield number, f"threads and locks (<{header}>) belong to engine, server and stores"
        inside = ABSEIL_INSIDE.match(source.path) and header.startswith("absl/container/")
        if ABSEIL.match(header) and source.suffix == ".h" and not inside:
            yield number, f"abseil ({header}) has its own string_view; keep it out of headers"
