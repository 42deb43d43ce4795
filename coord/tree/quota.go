package tree

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kafkacoord/coord/wire"
)

// Names of the nodes that hold a quota below /zookeeper/quota/<path>.
const (
	quotaLimits = "zookeeper_limits"
	quotaStats  = "zookeeper_stats"
)

// Quota is a limit or a usage: numbers of nodes and bytes, -1 for none.
// ZooKeeper: StatsTrack.java.
type Quota struct {
	Count, Bytes         int64
	CountHard, BytesHard int64
}

// ParseQuota reads the text of a limits or stats node. Unknown or unreadable
// parts are left out, as ZooKeeper's parser must cope with older text.
func ParseQuota(text []byte) Quota {
	q := Quota{Count: -1, Bytes: -1, CountHard: -1, BytesHard: -1}
	for part := range quotaParts(text) {
		key, value, _ := strings.Cut(part, "=")
		value = strings.TrimRight(value, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			continue
		}
		switch key {
		case "count":
			q.Count = n
		case "bytes":
			q.Bytes = n
		case "countHardLimit":
			q.CountHard = n
		case "byteHardLimit":
			q.BytesHard = n
		}
	}
	return q
}

// QuotaOf returns the deepest quota that encloses a path: its prefix, limit and
// current usage. A quota on the root does not count.
func (t *Tree) QuotaOf(path string) (prefix string, limit, usage Quota, ok bool) {
	prefix = t.quotaPrefix(path)
	if prefix == "" {
		return "", Quota{}, Quota{}, false
	}
	l, s := t.Find(quotaNode(prefix, quotaLimits)), t.Find(quotaNode(prefix, quotaStats))
	if l == 0 || s == 0 {
		return "", Quota{}, Quota{}, false
	}
	return prefix, ParseQuota(t.Data(l)), ParseQuota(t.Data(s)), true
}

func quotaNode(prefix, name string) string { return wire.QuotaPath + prefix + "/" + name }

// quotaPrefix returns the deepest enclosing path with a quota, or "".
func (t *Tree) quotaPrefix(path string) string {
	if len(t.quotas) == 0 {
		return ""
	}
	for p := path; len(p) > 1; p = p[:max(strings.LastIndexByte(p, '/'), 0)] {
		if _, ok := t.quotas[p]; ok {
			return p
		}
	}
	return ""
}

// quotaTarget splits the path of a quota node into the path it limits and its
// name; ok is false for other nodes and for an empty target.
func quotaTarget(path string) (target, name string, ok bool) {
	rest, found := strings.CutPrefix(path, wire.QuotaPath+"/")
	if !found {
		return "", "", false
	}
	slash := strings.LastIndexByte(rest, '/')
	if slash < 0 {
		return "", "", false
	}
	return "/" + rest[:slash], rest[slash+1:], true
}

func (t *Tree) quotaCreated(path string, length int) {
	if target, name, ok := quotaTarget(path); ok {
		switch name {
		case quotaLimits:
			t.quotas[strings.Clone(target)] = struct{}{}
		case quotaStats:
			t.recountQuota(target)
		}
	}
	t.addUsage(path, 1, int64(length))
}

func (t *Tree) quotaDeleted(path string, length int) {
	if target, name, ok := quotaTarget(path); ok && name == quotaLimits {
		delete(t.quotas, target)
	}
	t.addUsage(path, -1, -int64(length))
}

func (t *Tree) quotaChanged(path string, difference int) {
	t.addUsage(path, 0, int64(difference))
}

// addUsage adds to the stats node of the deepest enclosing quota. The node's
// versions and times stay: the text is a local cache, not replicated data.
func (t *Tree) addUsage(path string, nodes, bytes int64) {
	prefix := t.quotaPrefix(path)
	if prefix == "" {
		return
	}
	stats := quotaNode(prefix, quotaStats)
	r := t.Find(stats)
	if r == 0 {
		return
	}
	text := t.Data(r)
	q := ParseQuota(text)
	t.writeUsage(r, q.Count+nodes, q.Bytes+bytes, quotaTail(text))
}

// quotaTail is what follows count and bytes in a text that a client wrote: the
// hard limits and any other key, sorted, behind the equals sign that keeps old
// parsers from reading on. ZooKeeper keeps them when it counts usage.
func quotaTail(text []byte) []byte {
	var others []string
	for part := range quotaParts(text) {
		key, value, ok := strings.Cut(part, "=")
		if value = strings.TrimRight(value, "="); ok && key != "count" && key != "bytes" {
			others = append(others, key+"="+value)
		}
	}
	if len(others) == 0 {
		return nil
	}
	slices.Sort(others)
	return append([]byte("=;"), strings.Join(slices.Compact(others), ";")...)
}

func quotaParts(text []byte) iter.Seq[string] {
	return strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == ',' || r == ';' })
}

func (t *Tree) recountQuota(target string) {
	stats := quotaNode(target, quotaStats)
	r := t.Find(stats)
	if r == 0 {
		return
	}
	var nodes int
	var bytes int64
	if at := t.Find(target); at != 0 {
		nodes, bytes = t.subtree(at)
	}
	t.writeUsage(r, int64(nodes), bytes, nil)
}

func (t *Tree) writeUsage(r Ref, nodes, bytes int64, tail []byte) {
	text := append(fmt.Appendf(nil, "count=%d,bytes=%d", nodes, bytes), tail...)
	t.replaceData(t.rec.mutable(r), text)
}

// restoreQuotas finds the quotas of a loaded tree and recounts their usage.
func (t *Tree) restoreQuotas() {
	stack := []string{wire.QuotaPath}
	for len(stack) > 0 {
		path := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		r := t.Find(path)
		if target, name, ok := quotaTarget(path); ok && name == quotaLimits && t.Node(r).NumChildren == 0 {
			t.quotas[target] = struct{}{}
			continue
		}
		for name := range t.Children(r) {
			stack = append(stack, path+"/"+name)
		}
	}
	for _, target := range slices.Sorted(maps.Keys(t.quotas)) {
		t.recountQuota(target)
	}
}
