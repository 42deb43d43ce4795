package config

import (
	"slices"
	"strings"
	"time"
)

// verdict says what this server does about a key.
type verdict uint8

const (
	// honoured: same semantics as ZooKeeper.
	honoured verdict = iota
	// later: understood and kept; nothing acts on it yet.
	later
	// silent: accepted without a word, nothing to do.
	silent
	// ignored: accepted with one warning.
	ignored
	// refused: the server does not start with it.
	refused
)

// key is one name an operator may write.
type key struct {
	// name is the spelling in zoo.cfg; a trailing * makes it a family.
	name string
	// properties are the system properties that ZooKeeper reads for it; none
	// means that the key counts in the file only.
	properties []string
	// aliases are spellings from ZooKeeper's documents that ZooKeeper itself
	// does not read.
	aliases []string
	// fallback is ZooKeeper's default; empty = unset.
	fallback string
	// ours is our default where it differs from ZooKeeper's.
	ours    string
	verdict verdict
	// quiet is the one value that asks for nothing of a key for later; empty =
	// the fallback.
	quiet string
	// note is added to the warning or refusal.
	note string
	// set stores the value; nil keeps it as text only.
	set setter
}

// fileKey is a key that ZooKeeper's own parser consumes.
func fileKey(name, fallback string, set setter) key {
	return key{name: name, fallback: fallback, set: set}
}

// property is a key that ZooKeeper turns into the system property zookeeper.name.
func property(name, fallback string, set setter) key {
	return key{name: name, properties: []string{propertyPrefix + name}, fallback: fallback, set: set}
}

// flag is a property without the zookeeper. prefix. ZooKeeper takes it only as
// a JVM flag; here it works in the file too.
func flag(name, fallback string, set setter) key {
	return key{name: name, properties: []string{name}, fallback: fallback, set: set}
}

func (k key) as(v verdict, note string) key {
	k.verdict, k.note = v, note
	return k
}

func (k key) off(quiet string) key {
	k.quiet = quiet
	return k
}

func (k key) also(aliases ...string) key {
	k.aliases = aliases
	return k
}

func (k key) better(ours string) key {
	k.ours = ours
	return k
}

const propertyPrefix = "zookeeper."

func (k *key) isFamily() bool { return strings.HasSuffix(k.name, "*") }

// matches tells whether a family covers the name.
func (k *key) matches(name string) bool {
	family := strings.TrimSuffix(k.name, "*")
	return len(name) > len(family) && strings.HasPrefix(name, family)
}

// keyTable is every key, and how each spelling leads to it.
type keyTable struct {
	list     []*key
	byName   map[string]*key // zoo.cfg spelling, aliases included
	byFlag   map[string]*key // system property
	families []*key
}

var keys = newKeyTable(fileKeys(), quorumKeys(), storageKeys(), networkKeys(), learnerKeys(), securityKeys(), ownKeys())

func newKeyTable(groups ...[]key) *keyTable {
	t := &keyTable{byName: make(map[string]*key), byFlag: make(map[string]*key)}
	for _, group := range groups {
		for at := range group {
			k := &group[at]
			t.list = append(t.list, k)
			if k.isFamily() {
				t.families = append(t.families, k)
				continue
			}
			t.byName[k.name] = k
			for _, alias := range k.aliases {
				t.byName[alias] = k
			}
			for _, name := range k.properties {
				t.byFlag[name] = k
			}
		}
	}
	return t
}

// inFile finds the key for a name in zoo.cfg.
func (t *keyTable) inFile(name string) *key {
	if k := t.byName[name]; k != nil {
		return k
	}
	for _, k := range t.families {
		if k.matches(name) {
			return k
		}
	}
	return nil
}

// inFlags finds the key for a system property. A family whose members are
// properties is found by its zoo.cfg name behind the prefix.
func (t *keyTable) inFlags(name string) *key {
	if k := t.byFlag[name]; k != nil {
		return k
	}
	short, prefixed := strings.CutPrefix(name, propertyPrefix)
	for _, k := range t.families {
		if len(k.properties) == 0 {
			continue
		}
		if (prefixed && k.matches(short)) || k.properties[0] == k.name && k.matches(name) {
			return k
		}
	}
	return nil
}

// nearest is the known spelling with the least edit distance to name, empty
// when none is close enough to be a typing error.
func (t *keyTable) nearest(name string) string {
	best, bestDistance := "", 1+max(2, len(name)/4)
	lower := strings.ToLower(name)
	names := make([]string, 0, len(t.byName))
	for candidate := range t.byName {
		names = append(names, candidate)
	}
	slices.Sort(names)
	for _, candidate := range names {
		if d := editDistance(lower, strings.ToLower(candidate), bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment); it may stop early at limit.
func editDistance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

func abs(n int) int { return max(n, -n) }

// Difference is one default that is not ZooKeeper's.
type Difference struct {
	Key       string
	ZooKeeper string
	Ours      string
	Reason    string
}

// DefaultDifferences lists every key whose default differs from ZooKeeper's.
// compat.defaults=zookeeper restores them all. The README table is checked
// against this one.
var DefaultDifferences = []Difference{
	{
		Key: "autopurge.purgeInterval", ZooKeeper: "0", Ours: "1",
		Reason: "a server that never purges fills its disk; every hour the newest 3 snapshots and the logs they need are kept",
	},
	{
		Key: "coord.disk.reserveMiB", ZooKeeper: "0", Ours: "128",
		Reason: "a full disk ends a server; with less free space than this, writes are refused (NotReadOnly) while reads, watches and sessions go on",
	},
}

// millis is the unit of most durations.
const millis = time.Millisecond
