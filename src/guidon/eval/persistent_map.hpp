// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/eval/string_hash.hpp"

namespace guidon::eval {

// String → Value, copied in constant time: copies share everything until one of them changes, and a change copies only
// the path to what it touches (a hash array mapped trie with 64-way nodes; Bagwell, "Ideal Hash Trees", 2001). What one
// map owns alone it changes in place, so filling a fresh map is as cheap as filling a mutable one.
// Different copies may be used by different threads; one copy is not thread-safe for writers.
template <class Value, class Hash = StringHash>
class PersistentMap {
 public:
  PersistentMap() = default;
  PersistentMap(const PersistentMap& other) : root_(other.root_), size_(other.size_) {
    if (root_ != nullptr) Retain(root_);
  }
  PersistentMap(PersistentMap&& other) noexcept
      : root_(std::exchange(other.root_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PersistentMap& operator=(PersistentMap other) noexcept {
    std::swap(root_, other.root_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PersistentMap() {
    if (root_ != nullptr) Release(root_);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // nullptr where the key is absent. Lives until this map changes or ends, or as long as a copy that shares it.
  const Value* Find(std::string_view key) const { return root_ == nullptr ? nullptr : Find(key, Hash{}(key)); }
  // For a key whose hash is at hand.
  const Value* Find(std::string_view key, std::uint64_t hash) const {
    if (root_ == nullptr) return nullptr;
    const Node* node = root_;
    for (unsigned shift = 0;; shift += kBitsPerLevel) {
      if (shift >= kHashBits) return FindInBucket(*node, key);
      const std::uint64_t bit = BitOf(hash, shift);
      if ((node->entry_bits & bit) != 0) {
        const Entry& entry = *node->slots()[EntryIndex(*node, bit)].entry;
        return entry.hash == hash && SameText(entry.key, key) ? &entry.value : nullptr;
      }
      if ((node->node_bits & bit) == 0) return nullptr;
      node = node->slots()[NodeIndex(*node, bit)].node;
    }
  }

  // Adds or replaces. True where the key is new.
  bool Set(std::string key, Value value) {
    const std::uint64_t hash = Hash{}(key);
    bool added = false;
    root_ = SetIn(root_, 0, new Entry(hash, std::move(key), std::move(value)), added);
    if (added) ++size_;
    return added;
  }

  // False (and nothing changes) where the key is absent.
  bool Erase(std::string_view key) {
    if (Find(key) == nullptr) return false;
    root_ = EraseIn(root_, 0, Hash{}(key), key);
    --size_;
    return true;
  }

  // visit(const std::string& key, const Value& value), in no particular order.
  template <class Visitor>
  void ForEach(Visitor&& visit) const {
    if (root_ != nullptr) VisitIn(*root_, visit);
  }

 private:
  static constexpr unsigned kBitsPerLevel = 6;
  static constexpr unsigned kHashBits = 64;

  struct Entry {
    Entry(std::uint64_t entry_hash, std::string entry_key, Value entry_value)
        : hash(entry_hash), key(std::move(entry_key)), value(std::move(entry_value)) {}
    std::atomic<std::uint32_t> references{1};
    std::uint64_t hash;
    std::string key;
    Value value;
  };

  struct Node;
  union Slot {
    Entry* entry;
    Node* node;
  };

  // Slots follow in the same allocation: entries first, then child nodes, each in the order of their bits. A bucket
  // (all hash bits used up, the keys still differ) has no bits and only entries.
  struct Node {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t entry_count = 0;
    std::uint32_t node_count = 0;
    std::uint64_t entry_bits = 0;
    std::uint64_t node_bits = 0;
    Slot* slots() { return reinterpret_cast<Slot*>(this + 1); }
    const Slot* slots() const { return reinterpret_cast<const Slot*>(this + 1); }
  };

  // The highest bits choose first, so keys that come in the order of their hashes are neighbours in the trie and, added
  // one after the other, in memory.
  static std::uint64_t BitOf(std::uint64_t hash, unsigned shift) {
    const std::uint64_t low_bits = std::rotl(hash, static_cast<int>(shift + kBitsPerLevel));
    return std::uint64_t{1} << (low_bits & ((1U << kBitsPerLevel) - 1U));
  }
  static std::size_t EntryIndex(const Node& node, std::uint64_t bit) {
    return static_cast<std::size_t>(std::popcount(node.entry_bits & (bit - 1)));
  }
  static std::size_t NodeIndex(const Node& node, std::uint64_t bit) {
    return node.entry_count + static_cast<std::size_t>(std::popcount(node.node_bits & (bit - 1)));
  }

  static Node* Allocate(std::size_t entry_count, std::size_t node_count) {
    void* memory = ::operator new(sizeof(Node) + (entry_count + node_count) * sizeof(Slot));
    Node* node = new (memory) Node;
    node->entry_count = static_cast<std::uint32_t>(entry_count);
    node->node_count = static_cast<std::uint32_t>(node_count);
    return node;
  }
  // The node alone: somebody else holds what its slots point to.
  static void Free(Node* node) {
    node->~Node();
    ::operator delete(node);
  }

  template <class Counted>
  static void Retain(Counted* counted) {
    counted->references.fetch_add(1, std::memory_order_relaxed);
  }
  template <class Counted>
  static bool IsUnique(const Counted* counted) {
    return counted->references.load(std::memory_order_acquire) == 1;
  }
  template <class Counted>
  static bool DropsLast(Counted* counted) {
    return IsUnique(counted) || counted->references.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  static void Release(Entry* entry) {
    if (DropsLast(entry)) delete entry;
  }
  static void Release(Node* node) {
    if (!DropsLast(node)) return;
    const Slot* slots = node->slots();
    for (std::size_t i = 0; i < node->entry_count; ++i) Release(slots[i].entry);
    for (std::size_t i = 0; i < node->node_count; ++i) Release(slots[node->entry_count + i].node);
    Free(node);
  }

  // `node`, or a copy that shares its children, such that nobody else sees it change.
  static Node* Own(Node* node) {
    if (IsUnique(node)) return node;
    Node* copy = Allocate(node->entry_count, node->node_count);
    copy->entry_bits = node->entry_bits;
    copy->node_bits = node->node_bits;
    const std::size_t count = std::size_t{node->entry_count} + node->node_count;
    std::memcpy(copy->slots(), node->slots(), count * sizeof(Slot));
    for (std::size_t i = 0; i < node->entry_count; ++i) Retain(copy->slots()[i].entry);
    for (std::size_t i = node->entry_count; i < count; ++i) Retain(copy->slots()[i].node);
    Release(node);
    return copy;
  }

  // Moves the slots of an owned node into one that lacks slot `remove` (kNone: none) and has `add` at `add_index`.
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  static Node* Reshape(Node* node, std::size_t entry_count, std::size_t node_count, std::size_t remove,
                       std::size_t add_index, Slot add) {
    Node* shaped = Allocate(entry_count, node_count);
    shaped->entry_bits = node->entry_bits;
    shaped->node_bits = node->node_bits;
    const std::size_t count = std::size_t{node->entry_count} + node->node_count;
    std::size_t to = 0;
    for (std::size_t from = 0; from <= count; ++from) {
      if (to == add_index) shaped->slots()[to++] = add;
      if (from < count && from != remove) shaped->slots()[to++] = node->slots()[from];
    }
    Free(node);
    return shaped;
  }

  // The functions below take over the reference to `node` that they are given and return one to what replaces it.

  static Node* SetIn(Node* node, unsigned shift, Entry* entry, bool& added) {
    if (node == nullptr) {
      added = true;
      Node* leaf = Allocate(1, 0);
      leaf->entry_bits = BitOf(entry->hash, shift);
      leaf->slots()[0].entry = entry;
      return leaf;
    }
    if (shift >= kHashBits) return SetInBucket(node, entry, added);
    const std::uint64_t bit = BitOf(entry->hash, shift);
    node = Own(node);
    if ((node->node_bits & bit) != 0) {
      Slot& slot = node->slots()[NodeIndex(*node, bit)];
      slot.node = SetIn(slot.node, shift + kBitsPerLevel, entry, added);
      return node;
    }
    if ((node->entry_bits & bit) == 0) {
      added = true;
      const std::size_t index = EntryIndex(*node, bit);
      Node* shaped = Reshape(node, node->entry_count + 1, node->node_count, kNone, index, Slot{.entry = entry});
      shaped->entry_bits |= bit;
      return shaped;
    }
    const std::size_t index = EntryIndex(*node, bit);
    Entry* there = node->slots()[index].entry;
    if (there->hash == entry->hash && there->key == entry->key) {
      node->slots()[index].entry = entry;
      Release(there);
      return node;
    }
    added = true;
    return PushDown(node, bit, index, Pair(there, entry, shift + kBitsPerLevel));
  }

  static Node* SetInBucket(Node* node, Entry* entry, bool& added) {
    node = Own(node);
    for (std::size_t i = 0; i < node->entry_count; ++i) {
      Entry*& there = node->slots()[i].entry;
      if (there->key != entry->key) continue;
      Release(there);
      there = entry;
      return node;
    }
    added = true;
    return Reshape(node, node->entry_count + 1, 0, kNone, node->entry_count, Slot{.entry = entry});
  }

  // Replaces the entry at `index` by the child node that now holds it.
  static Node* PushDown(Node* node, std::uint64_t bit, std::size_t index, Node* child) {
    const std::size_t add = NodeIndex(*node, bit) - 1;
    Node* shaped = Reshape(node, node->entry_count - 1, node->node_count + 1, index, add, Slot{.node = child});
    shaped->entry_bits &= ~bit;
    shaped->node_bits |= bit;
    return shaped;
  }

  static Node* Pair(Entry* a, Entry* b, unsigned shift) {
    if (shift >= kHashBits) {
      Node* bucket = Allocate(2, 0);
      bucket->slots()[0].entry = a;
      bucket->slots()[1].entry = b;
      return bucket;
    }
    const std::uint64_t bit_a = BitOf(a->hash, shift);
    const std::uint64_t bit_b = BitOf(b->hash, shift);
    if (bit_a == bit_b) {
      Node* node = Allocate(0, 1);
      node->node_bits = bit_a;
      node->slots()[0].node = Pair(a, b, shift + kBitsPerLevel);
      return node;
    }
    Node* node = Allocate(2, 0);
    node->entry_bits = bit_a | bit_b;
    node->slots()[0].entry = bit_a < bit_b ? a : b;
    node->slots()[1].entry = bit_a < bit_b ? b : a;
    return node;
  }

  // The key is known to be there. nullptr where nothing is left.
  static Node* EraseIn(Node* node, unsigned shift, std::uint64_t hash, std::string_view key) {
    node = Own(node);
    if (shift >= kHashBits) return EraseInBucket(node, key);
    const std::uint64_t bit = BitOf(hash, shift);
    if ((node->entry_bits & bit) != 0) return DropEntry(node, EntryIndex(*node, bit), bit);
    const std::size_t index = NodeIndex(*node, bit);
    Slot& slot = node->slots()[index];
    slot.node = EraseIn(slot.node, shift + kBitsPerLevel, hash, key);
    if (slot.node->entry_count == 1 && slot.node->node_count == 0) return PullUp(node, bit, index);
    return node;
  }

  static Node* EraseInBucket(Node* node, std::string_view key) {
    for (std::size_t i = 0; i < node->entry_count; ++i) {
      if (node->slots()[i].entry->key == key) return DropEntry(node, i, 0);
    }
    return node;
  }

  static Node* DropEntry(Node* node, std::size_t index, std::uint64_t bit) {
    Release(node->slots()[index].entry);
    if (node->entry_count + node->node_count == 1) {
      Free(node);
      return nullptr;
    }
    Node* shaped = Reshape(node, node->entry_count - 1, node->node_count, index, kNone, Slot{.entry = nullptr});
    shaped->entry_bits &= ~bit;
    return shaped;
  }

  // The child at `index` holds one entry only: the entry takes its place.
  static Node* PullUp(Node* node, std::uint64_t bit, std::size_t index) {
    Node* child = Own(node->slots()[index].node);
    Entry* entry = child->slots()[0].entry;
    Free(child);
    Node* shaped =
        Reshape(node, node->entry_count + 1, node->node_count - 1, index, EntryIndex(*node, bit), Slot{.entry = entry});
    shaped->entry_bits |= bit;
    shaped->node_bits &= ~bit;
    return shaped;
  }

  static const Value* FindInBucket(const Node& node, std::string_view key) {
    for (std::size_t i = 0; i < node.entry_count; ++i) {
      if (node.slots()[i].entry->key == key) return &node.slots()[i].entry->value;
    }
    return nullptr;
  }

  template <class Visitor>
  static void VisitIn(const Node& node, Visitor& visit) {
    for (std::size_t i = 0; i < node.entry_count; ++i) visit(node.slots()[i].entry->key, node.slots()[i].entry->value);
    for (std::size_t i = 0; i < node.node_count; ++i) VisitIn(*node.slots()[node.entry_count + i].node, visit);
  }

  Node* root_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace guidon::eval
