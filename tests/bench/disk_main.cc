// bench_disk: what the disk and RocksDB do by themselves with the bytes of a group of outs and
// ins. Prints one line of JSON whose rate is operations (half of them outs) a second.
//
//   bench_disk fdatasync   the bytes of a group appended to a file, then fdatasync
//   bench_disk rocksdb     a group of puts, then a group of deletes of the same keys; each group
//                          one synced WriteBatch
#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "tests/bench/load.h"

namespace {

using namespace tuplespace::bench;

struct Sizes {
  size_t group = 64;   // operations between two syncs
  size_t key = 15;     // bytes
  size_t value = 100;  // bytes of a put
};

constexpr size_t kLogOverhead = 3;  // RocksDB's log: kind and two lengths

Tally fdatasync_load(const std::string& directory, const Sizes& sizes, const Load& load) {
  const std::string path = directory + "/raw";
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (file < 0) give_up("cannot write " + path);
  const std::string puts(sizes.group * (sizes.key + sizes.value + kLogOverhead), 'v');
  const std::string deletes(sizes.group * (sizes.key + kLogOverhead), 'v');
  Tally tally(load);
  for (bool put = true;; put = !put) {
    const int64_t begun = steady_ns();
    const std::string& bytes = put ? puts : deletes;
    if (write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      give_up("cannot write " + path);
    }
    if (fdatasync(file) != 0) give_up("cannot sync " + path);
    const int64_t now = steady_ns();
    if (tally.over(now)) break;
    for (size_t i = 0; i < sizes.group; ++i) tally.add(begun, now);
  }
  close(file);
  unlink(path.c_str());
  return tally;
}

// The key of a tuple's record: shard, kind, space and id, big-endian.
std::string key_of(uint64_t id, size_t bytes) {
  std::string key(bytes, '\0');
  for (size_t i = 0; i < 8; ++i) key[bytes - 1 - i] = static_cast<char>(id >> (8 * i));
  return key;
}

Tally rocksdb_load(const std::string& directory, const Sizes& sizes, const Load& load) {
  const std::string path = directory + "/rocksdb";
  rocksdb::Options options;
  options.create_if_missing = true;
  options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
  options.allow_concurrent_memtable_write = false;
  options.compression = rocksdb::kNoCompression;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, path, &opened).ok()) give_up("cannot open " + path);
  const std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const std::string value(sizes.value, 'v');
  rocksdb::WriteBatch batch;
  Tally tally(load);
  for (uint64_t from = 0;; from += sizes.group) {
    for (const bool put : {true, false}) {
      const int64_t begun = steady_ns();
      batch.Clear();
      for (uint64_t id = from; id < from + sizes.group; ++id) {
        const std::string key = key_of(id, sizes.key);
        if (!(put ? batch.Put(key, value) : batch.Delete(key)).ok()) give_up("batch is full");
      }
      if (!db->Write(synced, &batch).ok()) give_up("cannot write " + path);
      const int64_t now = steady_ns();
      if (tally.over(now)) return tally;
      for (size_t i = 0; i < sizes.group; ++i) tally.add(begun, now);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The disk and RocksDB by themselves."};
  Load load;
  Sizes sizes;
  std::string what, directory;
  app.add_option("what", what)->required()->check(CLI::IsMember({"fdatasync", "rocksdb"}));
  app.add_option("--directory", directory, "an empty one")->required();
  app.add_option("--group", sizes.group);
  app.add_option("--key", sizes.key);
  app.add_option("--value", sizes.value);
  app.add_option("--seconds", load.seconds);
  app.add_option("--warm-up", load.warm_up_s);
  CLI11_PARSE(app, argc, argv);
  Tally tally = what == "fdatasync" ? fdatasync_load(directory, sizes, load)
                                    : rocksdb_load(directory, sizes, load);
  fmt::print("{}\n", tally.json());
}
