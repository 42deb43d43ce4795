package watch

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

var (
	nodeACL   = []wire.ACL{{Perms: 1, ID: wire.ID{Scheme: "digest", ID: "node:x"}}}
	parentACL = []wire.ACL{{Perms: 1, ID: wire.ID{Scheme: "digest", ID: "parent:x"}}}
)

var kinds = map[string]Kind{
	"data": Data, "child": Child, "persistent": Persistent, "recursive": PersistentRecursive,
}

var types = map[string]wire.EventType{
	"create": wire.EventNodeCreated, "delete": wire.EventNodeDeleted, "set": wire.EventNodeDataChanged,
}

var eventNames = map[wire.EventType]string{
	wire.EventNodeCreated: "created", wire.EventNodeDeleted: "deleted",
	wire.EventNodeDataChanged: "changed", wire.EventNodeChildrenChanged: "children",
}

var typeNumbers = map[string]int32{
	"child": wire.WatcherChildren, "data": wire.WatcherData, "any": wire.WatcherAny,
	"persistent": wire.WatcherPersistent, "recursive": wire.WatcherPersistentRecursive,
}

// runStep runs one step and returns what it shows. Steps:
//
//	add KIND PATH CONN…     close CONN
//	create|delete|set PATH  the events as "connection:event:path", in order
//	remove|has TYPE PATH CONN
func runStep(t *testing.T, table *Table, step string) string {
	t.Helper()
	var conn ConnID
	f := strings.Fields(step)
	number := func(s string) ConnID {
		if _, err := fmt.Sscan(s, &conn); err != nil {
			t.Fatalf("step %q: %v", step, err)
		}
		return conn
	}
	switch f[0] {
	case "add":
		for _, c := range f[3:] {
			table.Add(f[2], number(c), kinds[f[1]])
		}
	case "close":
		table.RemoveConn(number(f[1]))
	case "remove":
		return fmt.Sprint(table.Remove(f[2], number(f[3]), typeNumbers[f[1]]))
	case "has":
		return fmt.Sprint(table.Has(f[2], number(f[3]), typeNumbers[f[1]]))
	case "create", "delete", "set":
		return strings.Join(fire(t, table, types[f[0]], f[1]), " ")
	default:
		t.Fatalf("unknown step %q", step)
	}
	return ""
}

func fire(t *testing.T, table *Table, kind wire.EventType, path string) []string {
	t.Helper()
	var out []string
	ch := tree.Change{Type: kind, Path: path, ACL: nodeACL, ParentACL: parentACL}
	table.Fire(ch, func(c ConnID, ev wire.EventType, path string, acl []wire.ACL) {
		want := &nodeACL[0]
		if ev == wire.EventNodeChildrenChanged {
			want = &parentACL[0]
		}
		if &acl[0] != want {
			t.Errorf("%s of %s comes with the wrong ACL", eventNames[ev], path)
		}
		out = append(out, fmt.Sprintf("%d:%s:%s", c, eventNames[ev], path))
	})
	return out
}

func TestScripts(t *testing.T) {
	cases := []struct{ name, script string }{
		{"exists on a missing node", `
			add data /a 1
			create /a -> 1:created:/a
			set /a`},
		{"data watch fires once", `
			add data /a 1
			add data /a 1
			set /a -> 1:changed:/a
			set /a`},
		{"child watch hears of children and of the end of its node, not of data or its creation", `
			add child /a 1
			set /a
			set /a/b
			create /a
			create /a/b/c
			create /a/b -> 1:children:/a
			create /a/c
			add child /a 1
			delete /a/b -> 1:children:/a
			add child /a 1
			delete /a -> 1:deleted:/a
			delete /a`},
		{"one NodeDeleted for data and child, both consumed", `
			add child /a 1 2
			add data /a 3 1
			delete /a -> 1:deleted:/a 3:deleted:/a 2:deleted:/a
			delete /a
			create /a`},
		{"the order of the three parts of a delete", `
			add child /p 1 2
			add data /p/c 2
			add child /p/c 3
			delete /p/c -> 2:deleted:/p/c 3:deleted:/p/c 1:children:/p 2:children:/p`},
		{"children of the root", `
			add child / 1
			add data / 2
			create /a -> 1:children:/
			set / -> 2:changed:/`},
		{"the empty path is a key of its own", `
			add data  1
			add persistent / 1
			set / -> 1:changed:/`},
		{"persistent watch survives deletion", `
			add persistent /a 1
			delete /a -> 1:deleted:/a
			create /a -> 1:created:/a
			create /a/b -> 1:children:/a
			set /a/b
			set /a -> 1:changed:/a
			delete /a/b -> 1:children:/a`},
		{"recursive watch: base and subtree, never children", `
			add recursive /a 1
			create /a -> 1:created:/a
			create /a/b -> 1:created:/a/b
			create /a/b/c -> 1:created:/a/b/c
			set /a/b/c -> 1:changed:/a/b/c
			set /ab
			delete /a/b/c -> 1:deleted:/a/b/c
			delete /a -> 1:deleted:/a`},
		{"recursive watch on the root", `
			add recursive / 1
			create /a -> 1:created:/a
			set / -> 1:changed:/
			delete /a/b/c -> 1:deleted:/a/b/c`},
		{"one event however often registered", `
			add recursive / 1
			add recursive /a 1 2
			add persistent /a/b 1
			add data /a/b 1 3
			set /a/b -> 1:changed:/a/b 3:changed:/a/b 2:changed:/a/b
			set /a/b -> 1:changed:/a/b 2:changed:/a/b
			delete /a/b -> 1:deleted:/a/b 2:deleted:/a/b`},
		{"recursive and child watch on the deleted node: one event, child consumed", `
			add recursive /a 1
			add child /a/b 1
			delete /a/b -> 1:deleted:/a/b
			has child /a/b 1 -> false`},
		{"remove by type", `
			add data /a 1
			add child /a 1
			add persistent /a 1
			add recursive /a 1
			remove data /b 1 -> false
			remove data /a 2 -> false
			has data /a 1 -> true
			remove data /a 1 -> true
			remove data /a 1 -> false
			has persistent /a 1 -> true
			remove persistent /a 1 -> true
			has persistent /a 1 -> false
			has recursive /a 1 -> true
			remove recursive /a 1 -> true
			create /a
			create /a/b -> 1:children:/a
			has any /a 1 -> false`},
		{"remove any", `
			add child /a 1
			add recursive /a 1
			has any /a 1 -> true
			remove any /a 1 -> true
			has any /a 1 -> false
			remove any /a 1 -> false
			create /a/b`},
		{"modes live together", `
			add persistent /a 1
			add data /a 1
			set /a -> 1:changed:/a
			has data /a 1 -> false
			set /a -> 1:changed:/a`},
		{"close", `
			add data /a 1 2
			add recursive / 1
			add child / 1
			close 1
			close 9
			create /a -> 2:created:/a
			add data /a 1
			set /a -> 1:changed:/a`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			table := New()
			for line := range strings.SplitSeq(strings.TrimSpace(c.script), "\n") {
				step, want, _ := strings.Cut(strings.TrimSpace(line), " -> ")
				if c.name == "the empty path is a key of its own" && strings.HasPrefix(step, "add data  ") {
					table.Add("", 1, Data) // a script cannot write it
					continue
				}
				if got := runStep(t, table, step); got != want {
					t.Errorf("%s:\n got %s\nwant %s", step, got, want)
				}
			}
		})
	}
}

func TestCounts(t *testing.T) {
	table := New()
	check := func(step string, want Counts) {
		t.Helper()
		if got := table.Counts(); got != want {
			t.Errorf("after %s: %+v, want %+v", step, got, want)
		}
	}
	table.Add("/a", 1, Data)
	table.Add("/a", 2, Persistent)
	table.Add("/b", 1, Child)
	table.Add("/b", 3, PersistentRecursive)
	check("four adds", Counts{DataPaths: 2, DataConns: 3, DataWatches: 3, ChildWatches: 2})
	if got := table.Counts().Total(); got != 5 {
		t.Errorf("total %d, want 5", got)
	}
	fire(t, table, wire.EventNodeDataChanged, "/a")
	check("a change", Counts{DataPaths: 2, DataConns: 2, DataWatches: 2, ChildWatches: 2})
	table.Remove("/b", 3, wire.WatcherAny)
	check("a removal", Counts{DataPaths: 1, DataConns: 1, DataWatches: 1, ChildWatches: 2})
	table.RemoveConn(1)
	table.RemoveConn(2)
	check("all closed", Counts{})
}

func TestWalks(t *testing.T) {
	table := New()
	table.Add("/b", 4, Data)
	table.Add("/a", 4, PersistentRecursive)
	table.Add("/b", 2, Persistent)
	table.Add("/child", 3, Child)
	if got, want := slices.Collect(table.Conns()), []ConnID{2, 4}; !slices.Equal(got, want) {
		t.Errorf("connections %v, want %v", got, want)
	}
	if got, want := slices.Collect(table.PathsOf(4)), []string{"/a", "/b"}; !slices.Equal(got, want) {
		t.Errorf("paths of 4 %v, want %v", got, want)
	}
	if got := slices.Collect(table.PathsOf(99)); got != nil {
		t.Errorf("paths of an unknown connection: %v", got)
	}
	if got, want := slices.Collect(table.Paths()), []string{"/b", "/a"}; !slices.Equal(got, want) {
		t.Errorf("paths %v, want %v", got, want)
	}
	if got, want := slices.Collect(table.ConnsOf("/b")), []ConnID{4, 2}; !slices.Equal(got, want) {
		t.Errorf("connections of /b %v, want %v", got, want)
	}
	if got := slices.Collect(table.ConnsOf("/none")); got != nil {
		t.Errorf("connections of an unwatched path: %v", got)
	}
}

func TestAddCopiesThePath(t *testing.T) {
	buffer := []byte("/a")
	table := New()
	table.Add(string(buffer), 1, Data)
	buffer[1] = 'x'
	if !table.Has("/a", 1, wire.WatcherData) {
		t.Error("the watch moved with the buffer")
	}
}

func TestSerialWraps(t *testing.T) {
	table := New()
	table.Add("/a", 1, Persistent)
	table.serial = 1<<32 - 3
	for range 6 {
		if got := fire(t, table, wire.EventNodeDataChanged, "/a"); len(got) != 1 {
			t.Fatalf("serial %d: %v", table.serial, got)
		}
	}
}

// model is ZooKeeper's WatchManager taken literally: two maps of sets.
type model struct {
	data, child map[string]map[ConnID]map[Kind]bool
}

func newModel() *model {
	return &model{map[string]map[ConnID]map[Kind]bool{}, map[string]map[ConnID]map[Kind]bool{}}
}

func (m *model) add(path string, c ConnID, k Kind) {
	put := func(table map[string]map[ConnID]map[Kind]bool) {
		if table[path] == nil {
			table[path] = map[ConnID]map[Kind]bool{}
		}
		if table[path][c] == nil {
			table[path][c] = map[Kind]bool{}
		}
		table[path][c][k] = true
	}
	if k != Child {
		put(m.data)
	}
	if k == Child || k == Persistent {
		put(m.child)
	}
}

func (m *model) remove(path string, c ConnID, watcherType int32) bool {
	found := false
	drop := func(table map[string]map[ConnID]map[Kind]bool, kinds ...Kind) {
		for _, k := range kinds {
			found = found || table[path][c][k]
			delete(table[path][c], k)
			if len(table[path][c]) == 0 {
				delete(table[path], c)
			}
		}
	}
	switch watcherType {
	case wire.WatcherChildren:
		drop(m.child, Child)
	case wire.WatcherData:
		drop(m.data, Data)
	case wire.WatcherPersistent:
		drop(m.data, Persistent)
		drop(m.child, Persistent)
	case wire.WatcherPersistentRecursive:
		drop(m.data, PersistentRecursive)
	case wire.WatcherAny:
		drop(m.data, Data, Persistent, PersistentRecursive)
		drop(m.child, Child, Persistent)
	}
	return found
}

func (m *model) close(c ConnID) {
	for _, table := range []map[string]map[ConnID]map[Kind]bool{m.data, m.child} {
		for _, conns := range table {
			delete(conns, c)
		}
	}
}

func (m *model) trigger(table map[string]map[ConnID]map[Kind]bool, path string, once Kind) map[ConnID]bool {
	hear := map[ConnID]bool{}
	for c, kinds := range table[path] {
		hear[c] = true
		if delete(kinds, once); len(kinds) == 0 {
			delete(table[path], c)
		}
	}
	for p, ok := parentOf(path); ok; p, ok = parentOf(p) {
		for c, kinds := range table[p] {
			if kinds[PersistentRecursive] {
				hear[c] = true
			}
		}
	}
	return hear
}

func (m *model) fire(kind wire.EventType, path string) []string {
	var out []string
	tell := func(hear map[ConnID]bool, kind wire.EventType, path string) {
		for c := range hear {
			out = append(out, fmt.Sprintf("%d:%s:%s", c, eventNames[kind], path))
		}
	}
	told := m.trigger(m.data, path, Data)
	tell(told, kind, path)
	if kind == wire.EventNodeDeleted {
		hear := m.trigger(m.child, path, Child)
		for c := range told {
			delete(hear, c)
		}
		tell(hear, kind, path)
	}
	if parent, ok := parentOf(path); ok && kind != wire.EventNodeDataChanged {
		tell(m.trigger(m.child, parent, Child), wire.EventNodeChildrenChanged, parent)
	}
	return out
}

func (m *model) counts() Counts {
	var n Counts
	conns := map[ConnID]bool{}
	for _, watchers := range m.data {
		if len(watchers) > 0 {
			n.DataPaths++
		}
		n.DataWatches += len(watchers)
		for c := range watchers {
			conns[c] = true
		}
	}
	for _, watchers := range m.child {
		n.ChildWatches += len(watchers)
	}
	n.DataConns = len(conns)
	return n
}

// TestAgainstModel compares table and model over random operations, with few
// paths and enough connections for the index of busy paths to come into play.
func TestAgainstModel(t *testing.T) {
	paths := []string{"/", "/a", "/a/b", "/a/b/c", "/a/d", "/ab", "/e"}
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			conns := 3 + random.IntN(30)
			table, m := New(), newModel()
			for step := range 800 {
				path, c := paths[random.IntN(len(paths))], ConnID(random.IntN(conns))
				watcherType := 1 + random.Int32N(5)
				switch random.IntN(16) {
				default:
					k := Kind(random.IntN(4))
					table.Add(path, c, k)
					m.add(path, c, k)
				case 0:
					table.RemoveConn(c)
					m.close(c)
				case 1, 2, 3:
					has := table.Has(path, c, watcherType)
					got, want := table.Remove(path, c, watcherType), m.remove(path, c, watcherType)
					if got != want || has != want {
						t.Fatalf("step %d: remove of type %d gave %v, has %v, want %v", step, watcherType, got, has, want)
					}
				case 4, 5, 6:
					kind := wire.EventType(1 + random.IntN(3))
					got, want := fire(t, table, kind, path), m.fire(kind, path)
					slices.Sort(got)
					slices.Sort(want)
					if !slices.Equal(got, want) {
						t.Fatalf("step %d: %s of %s:\n got %v\nwant %v", step, eventNames[kind], path, got, want)
					}
				}
				if got, want := table.Counts(), m.counts(); got != want {
					t.Fatalf("step %d: counts %+v, want %+v", step, got, want)
				}
			}
			for c := range conns {
				table.RemoveConn(ConnID(c))
			}
			if len(table.paths) != 0 || len(table.pairs) != 0 || table.recursive != 0 || table.Counts() != (Counts{}) {
				t.Errorf("something is left of an emptied table: %d paths, %d pairs", len(table.paths), len(table.pairs))
			}
		})
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	table := New()
	for i := range 20 * slabChunk {
		table.Add(fmt.Sprintf("/%d", i), 0, Data)
	}
	table.RemoveConn(0)
	if len(table.records.chunks) != 0 || len(table.watched.chunks) != 0 {
		t.Errorf("an empty table keeps %d and %d chunks", len(table.records.chunks), len(table.watched.chunks))
	}
	table.Add("/a", 0, Data)
	if got := fire(t, table, wire.EventNodeCreated, "/a"); len(got) != 1 {
		t.Errorf("after the memory was given back: %v", got)
	}
}

func nobody(ConnID, wire.EventType, string, []wire.ACL) {}

func TestFireDoesNotAllocate(t *testing.T) {
	table := New()
	ch := tree.Change{Type: wire.EventNodeDeleted, Path: "/a/b/c/d"}
	for _, step := range []func(){
		func() {},
		func() { table.Add("/elsewhere", 1, Data) },
		func() { table.Add("/other", 1, PersistentRecursive) },
		func() { table.Add("/a", 1, PersistentRecursive) },
		func() { table.Add("/a/b/c/d", 2, Persistent); table.Add("/a/b/c", 2, Persistent) },
	} {
		step()
		if n := testing.AllocsPerRun(100, func() { table.Fire(ch, nobody) }); n != 0 {
			t.Errorf("firing allocates %v times with %+v", n, table.Counts())
		}
	}
}

func BenchmarkFireNobody(b *testing.B) {
	for _, c := range []struct {
		name string
		kind Kind
	}{{"standard", Data}, {"recursive", PersistentRecursive}} {
		b.Run(c.name, func(b *testing.B) {
			table := New()
			for i := range 10_000 {
				table.Add(fmt.Sprintf("/brokers/topics/t%d", i), 1, c.kind)
			}
			ch := tree.Change{Type: wire.EventNodeCreated, Path: "/brokers/topics/other/partitions/7"}
			b.ReportAllocs()
			for b.Loop() {
				table.Fire(ch, nobody)
			}
		})
	}
}

func BenchmarkAddAndFire(b *testing.B) {
	table := New()
	ch := tree.Change{Type: wire.EventNodeDataChanged, Path: "/brokers/topics/t1"}
	b.ReportAllocs()
	for b.Loop() {
		table.Add(ch.Path, 1, Data)
		table.Fire(ch, nobody)
	}
}

// BenchmarkCrowd is 10,000 connections on one path: add all, fire, add all
// again, close all; the time is per connection.
func BenchmarkCrowd(b *testing.B) {
	const conns = 10_000
	table := New()
	ch := tree.Change{Type: wire.EventNodeDataChanged, Path: "/controller"}
	for b.Loop() {
		for range 2 {
			for c := range ConnID(conns) {
				table.Add(ch.Path, c, Data)
			}
			table.Fire(ch, nobody)
		}
		for c := range ConnID(conns) {
			table.Add(ch.Path, c, Data)
		}
		for c := range ConnID(conns) {
			table.RemoveConn(c)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/conns, "ns/conn")
}

// BenchmarkMillion reports the bytes that one of a million watches costs, its
// path included where it has one of its own.
func BenchmarkMillion(b *testing.B) {
	shapes := []struct {
		name         string
		paths, conns int
	}{{"1path_each", 1_000_000, 1}, {"1000x1000", 1000, 1000}}
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			paths := make([]string, s.paths)
			for i := range paths {
				paths[i] = fmt.Sprintf("/brokers/topics/topic-%06d/partitions/0/state", i)
			}
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				table := New()
				for c := range s.conns {
					for _, p := range paths {
						table.Add(p, ConnID(c), Data)
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(table.Counts().Total()), "B/watch")
				runtime.KeepAlive(table)
			}
		})
	}
}
