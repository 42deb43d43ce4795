package model

import (
	"cmp"
	"maps"
	"slices"
	"unicode/utf16"
)

// Kafka writes JSON objects in the order in which its hash maps iterate. The
// functions below give that order for the three kinds of maps involved, in
// Scala 2.13 and Java 9 to 21, so that a fresh payload is byte for byte what a
// broker would write. One thing they cannot know: keys that share a bucket of a
// Java table stand in the order in which they were put there; here they are
// sorted.

// javaHash is String.hashCode.
func javaHash(key string) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(key)) {
		h = 31*h + uint32(unit)
	}
	return h
}

// tableHash is the hash that both kinds of tables use.
func tableHash(key string) uint32 {
	h := javaHash(key)
	return h ^ h>>16
}

// trieHash is the hash that immutable maps use. Scala: Hashing.improve.
func trieHash(key string) uint32 {
	h := javaHash(key)
	h += ^(h << 9)
	h ^= h >> 14
	h += h << 4
	return h ^ h>>10
}

// tableOrder sorts keys as a table of linked buckets holds them that has 16
// buckets at first and twice as many whenever three quarters are reached.
func tableOrder(keys []string) []string {
	buckets := uint32(16)
	for 4*len(keys) >= 3*int(buckets) {
		buckets *= 2
	}
	slices.SortStableFunc(keys, func(a, b string) int {
		return cmp.Compare(tableHash(a)&(buckets-1), tableHash(b)&(buckets-1))
	})
	return keys
}

// scalaTableOrder is the order of scala.collection.mutable.Map, in which a
// bucket is sorted by hash as a signed number.
func scalaTableOrder[V any](m map[string]V) []string {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(int32(tableHash(a)), int32(tableHash(b))), cmp.Compare(a, b))
	})
	return tableOrder(keys)
}

// javaTableOrder is the order of java.util.Properties, a ConcurrentHashMap
// inside, and, but for its growing one key later, of java.util.HashMap.
func javaTableOrder[V any](m map[string]V) []string {
	return tableOrder(slices.Sorted(maps.Keys(m)))
}

// scalaMapOrder is the order of scala.collection.immutable.Map: insertion for
// up to four keys, then that of a trie over the hash, five bits a level, in
// which a node's own keys precede its children.
func scalaMapOrder(keys []string) []string {
	if len(keys) <= 4 {
		return keys
	}
	return trieOrder(keys, 0)
}

func trieOrder(keys []string, shift int) []string {
	if shift >= 32 {
		return keys
	}
	var slots [32][]string
	for _, key := range keys {
		slot := trieHash(key) >> shift & 31
		slots[slot] = append(slots[slot], key)
	}
	ordered := make([]string, 0, len(keys))
	for _, slot := range slots {
		if len(slot) == 1 {
			ordered = append(ordered, slot[0])
		}
	}
	for _, slot := range slots {
		if len(slot) > 1 {
			ordered = append(ordered, trieOrder(slot, shift+5)...)
		}
	}
	return ordered
}
