#include "tuplespace/space/group_index.h"

#include <algorithm>

#include "tuplespace/status.h"

namespace tuplespace {

// Puts `group` where its oldest tuple and its state say.
void GroupIndex::settle(const Slab& slab, Groups& groups, Group& group) {
  Sequence head = 0;
  if (!group.busy && !group.places.empty()) head = slab[group.places.at(group.places.begin())].id;
  if (head == group.head) return;
  if (group.head != 0) groups.ready.erase(group.head);
  if (head != 0) groups.ready.emplace(head, &group);
  group.head = head;
}

void GroupIndex::insert(const Slab& slab, uint64_t hash, std::string_view value, Slot slot,
                        bool busy) {
  Groups& groups = groups_[hash];
  std::unique_ptr<Group>& group = groups.by_value[value];
  if (group == nullptr) {
    group = std::make_unique<Group>();
    group->busy = busy;
    where_[value].push_back(hash);
  }
  group->places.insert(slab, slot);
  settle(slab, groups, *group);
}

void GroupIndex::erase(const Slab& slab, uint64_t hash, std::string_view value, Slot slot) {
  const auto groups = groups_.find(hash);
  TS_CHECK(groups != groups_.end());
  const auto group = groups->second.by_value.find(value);
  TS_CHECK(group != groups->second.by_value.end());
  group->second->places.erase(slab, slot);
  settle(slab, groups->second, *group->second);
  if (!group->second->places.empty()) return;
  groups->second.by_value.erase(group);
  if (groups->second.by_value.empty()) groups_.erase(groups);
  const auto hashes = where_.find(value);
  std::erase(hashes->second, hash);
  if (hashes->second.empty()) where_.erase(hashes);
}

void GroupIndex::set_busy(const Slab& slab, std::string_view value, bool busy) {
  const auto hashes = where_.find(value);
  if (hashes == where_.end()) return;
  for (const uint64_t hash : hashes->second) {
    Groups& groups = groups_.at(hash);
    Group& group = *groups.by_value.at(value);
    group.busy = busy;
    settle(slab, groups, group);
  }
}

const GroupIndex::Ready* GroupIndex::ready(uint64_t hash) const {
  const auto found = groups_.find(hash);
  return found == groups_.end() ? nullptr : &found->second.ready;
}

}  // namespace tuplespace
