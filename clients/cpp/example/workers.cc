// Three workers square numbers that they take from a space, side by side.
//
//   workers ADDRESS      127.0.0.1:7070, unix:/path, embedded: or embedded:/path
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tuplespace/client.h"

namespace ts = tuplespace::client;

namespace {

constexpr int kNumbers = 100;

// Takes numbers until it takes the word to stop.
void work(ts::Space space) {
  while (true) {
    auto job = space.in("('square', ?n:int|null)");
    if (!job.ok()) return;
    const tuplespace::Value n = (*job)[1];
    if (n.is_null()) return;
    (void)space.out(tuplespace::Tuple::of({"squared", n, n.as_int() * n.as_int()}).value());
  }
}

}  // namespace

int main(int count, char** words) {
  auto connection = ts::connect(count > 1 ? words[1] : "127.0.0.1:7070");
  if (!connection.ok()) {
    std::cerr << connection.status().to_string() << "\n";
    return 1;
  }
  ts::Space space = connection->space("example");
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) workers.emplace_back(work, space);

  std::vector<ts::Call<ts::Placed>> placed;
  for (int64_t n = 1; n <= kNumbers; ++n) {
    placed.push_back(space.out_async(tuplespace::Tuple::of({"square", n}).value()));
  }
  for (auto& each : placed) {
    if (!each.get().ok()) return 1;
  }
  int64_t sum = 0;
  for (int i = 0; i < kNumbers; ++i) {
    auto result = space.in("('squared', ?, ?square:int)");
    if (!result.ok()) return 1;
    sum += result->bound("square")->as_int();
  }
  for (size_t i = 0; i < workers.size(); ++i) {
    if (!space.out("('square', null)").ok()) return 1;
  }
  for (std::thread& worker : workers) worker.join();
  std::cout << "the sum of the squares of 1.." << kNumbers << " is " << sum << "\n";
  return connection->close().ok() ? 0 : 1;
}
