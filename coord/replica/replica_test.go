package replica

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// A bubble of synctest ends only when every goroutine in it has ended: each of
// these tests is a test for leaks too.

func TestNothingIsSentBeforeItIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &gate{FS: vfs.NewMemory()}
		v := start(t, disk, storeOptions(), Options{})
		reader := v.session(10_000)

		disk.shut()
		newcomer := v.open()
		newcomer.handshake(10_000)
		writer := reader
		writer.request(create("/a", nil))
		synctest.Wait()
		for name, c := range map[string]*client{"session": newcomer, "write": writer} {
			if frames, _ := c.frames(); len(frames) > 0 {
				t.Errorf("a %s was answered before it was durable: %x", name, frames)
			}
		}
		disk.release()
		synctest.Wait()
		for name, c := range map[string]*client{"session": newcomer, "write": writer} {
			if frames, _ := c.frames(); len(frames) != 1 {
				t.Errorf("a durable %s has %d answers", name, len(frames))
			}
		}

		// While the disk hangs, others read; they see the state before.
		disk.shut()
		writer.request(create("/b", nil))
		synctest.Wait()
		h, _, err := newcomer.do(&wire.Request{Op: wire.OpExists, Path: "/b"})
		if err != nil || h.Err != wire.NoNode {
			t.Errorf("a read beside a write that is not durable: %+v, error %v", h, err)
		}
		disk.release()
		if err := v.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &gate{FS: vfs.NewMemory()}
		var o counter
		v := start(t, disk, storeOptions(), Options{Observer: &o})
		clients := make([]*client, 20)
		for i := range clients {
			clients[i] = v.session(10_000)
		}
		disk.shut()
		clients[0].request(create("/first", nil))
		synctest.Wait()
		before := o.syncs.Load()
		for i, c := range clients[1:] {
			c.request(create("/n"+strconv.Itoa(i), nil))
		}
		synctest.Wait()
		disk.release()
		synctest.Wait()
		// One that was under way, one for all that gathered meanwhile.
		if n := o.syncs.Load() - before; n != 2 {
			t.Errorf("%d syncs for %d writes", n, len(clients))
		}
		if err := v.stop(); err != nil {
			t.Error(err)
		}
	})
}

// counter counts what an observer hears.
type counter struct{ turns, syncs, snapshots atomic.Int64 }

func (c *counter) Turn(*core.Core, *core.Output, time.Duration) { c.turns.Add(1) }
func (c *counter) Synced(int, time.Duration)                    { c.syncs.Add(1) }
func (c *counter) Disk(int64, bool)                             {}
func (c *counter) Snapshot(time.Duration)                       { c.snapshots.Add(1) }

func TestDiskErrorEndsTheServer(t *testing.T) {
	for name, op := range map[string]vfs.Op{"sync": vfs.OpSync, "write": vfs.OpWrite} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := vfs.NewFaulty(vfs.NewMemory())
				v := start(t, disk, storeOptions(), Options{})
				c := v.session(10_000)
				if h, _, err := c.do(create("/a", nil)); err != nil || h.Err != wire.OK {
					t.Fatal(h, err)
				}
				disk.Add(vfs.Rule{Op: op, Path: "log.", Err: syscall.EIO})
				c.request(create("/b", nil))
				c.request(&wire.Request{Op: wire.OpGetData, Path: "/b"})
				<-v.done
				if !errors.Is(v.err, syscall.EIO) {
					t.Errorf("Run returned %v", v.err)
				}
				if frames, _ := c.frames(); len(frames) > 0 {
					t.Errorf("answered although the disk failed: %x", frames)
				}
				if v.replica.Inspect(func(*core.Core) { t.Error("f runs on a server that stopped") }) {
					t.Error("Inspect says that f has run")
				}
				if v.open() != nil {
					t.Error("a connection opened on a server that stopped")
				}
				if v.replica.Snapshot() {
					t.Error("a snapshot was promised by a server that stopped")
				}
				// Late calls of connections are harmless.
				v.replica.Submit(c.id, nil)
				v.replica.Close(c.id)
				v.cancel()
			})
		})
	}
}

func TestStopAnswersWhatIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &gate{FS: vfs.NewMemory()}
		v := start(t, disk, storeOptions(), Options{})
		c := v.session(10_000)
		disk.shut()
		c.request(create("/a", nil))
		synctest.Wait()
		v.cancel()
		synctest.Wait()
		if frames, last := c.frames(); len(frames) > 0 || last {
			t.Errorf("answered before it was durable: %x, last %t", frames, last)
		}
		if v.open() != nil {
			t.Error("a connection opened on a server that is stopping")
		}
		disk.release()
		<-v.done
		frames, last := c.frames()
		if len(frames) != 1 || !last || v.err != nil {
			t.Errorf("%d answers, last %t, error %v", len(frames), last, v.err)
		}

		again := start(t, disk, storeOptions(), Options{})
		if again.recovered.Tree.Find("/a") == 0 || again.recovered.Sessions[c.session] != 10_000 {
			t.Error("the write or the session is lost")
		}
		if err := again.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestInspectDuringStop makes sure that nobody who asks waits for ever.
func TestInspectDuringStop(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			v := start(t, vfs.NewMemory(), storeOptions(), Options{})
			var asked sync.WaitGroup
			for range 8 {
				asked.Go(func() {
					for v.replica.Inspect(func(c *core.Core) { c.Zxid() }) {
					}
				})
			}
			v.replica.Inspect(func(*core.Core) {})
			if err := v.stop(); err != nil {
				t.Error(err)
			}
			asked.Wait()
		})
	}
}

// TestWakingAtTheTick has input arrive at the very moment at which the loop wakes
// by itself.
func TestWakingAtTheTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := start(t, vfs.NewMemory(), storeOptions(), Options{})
		var asking sync.WaitGroup
		for range 4 {
			asking.Go(func() {
				for range 500 {
					time.Sleep(time.Second) // ticks are whole seconds, and so are these
					v.replica.Inspect(func(*core.Core) {})
				}
			})
		}
		asking.Wait()
		if err := v.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestSessionsExpireWithoutInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := start(t, vfs.NewMemory(), storeOptions(), Options{})
		c := v.session(4000)
		keeper := v.session(60_000)
		began := time.Now()
		if h, _, err := c.do(&wire.Request{Op: wire.OpCreate, Path: "/e", ACL: wire.OpenACL, Flags: wire.FlagEphemeral}); err != nil || h.Err != 0 {
			t.Fatal(h, err)
		}
		if h, _, err := keeper.do(&wire.Request{Op: wire.OpExists, Path: "/e", Watch: true}); err != nil || h.Err != 0 {
			t.Fatal(h, err)
		}
		if _, err := keeper.next(); err != nil { // the event of its deletion
			t.Fatal(err)
		}
		if took := time.Since(began); took <= 4*time.Second || took > 5*time.Second {
			t.Errorf("expired after %v", took)
		}
		synctest.Wait()
		if frames, last := c.frames(); len(frames) > 0 || !last {
			t.Errorf("the expired connection got %x, last %t", frames, last)
		}
		if err := v.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestConnIDsAreReused opens and closes connections with writes under way.
func TestConnIDsAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := start(t, vfs.NewMemory(), storeOptions(), Options{})
		for i := range 50 {
			c := v.session(10_000)
			if c.id > 1 {
				t.Fatalf("connection %d has the number %d", i, c.id)
			}
			c.request(create("/n"+strconv.Itoa(i), nil))
			v.replica.Close(c.id)
		}
		synctest.Wait()
		v.replica.Inspect(func(c *core.Core) {
			if c.Tree().NumNodes() != 50+4 || c.Stats().Connections != 0 || c.Outstanding() != 0 {
				t.Errorf("%d nodes, %d connections, %d outstanding", c.Tree().NumNodes(), c.Stats().Connections, c.Outstanding())
			}
		})
		if err := v.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestSnapshotWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMemory()
		so := storeOptions()
		so.SnapCount = 50
		var o counter
		v := start(t, disk, so, Options{Observer: &o, PurgeEvery: time.Second, PurgeRetain: 3})
		var writers sync.WaitGroup
		for i := range 4 {
			c := v.session(60_000)
			writers.Go(func() {
				base := "/w" + strconv.Itoa(i)
				for n := range 200 {
					r := &wire.Request{Op: wire.OpSetData, Path: base, Data: []byte(strconv.Itoa(n)), Version: -1}
					if n == 0 {
						r = create(base, nil)
					} else if n%3 == 0 {
						r = create(base+"/"+strconv.Itoa(n), make([]byte, 100))
					}
					if h, _, err := c.do(r); err != nil || h.Err != wire.OK {
						t.Errorf("write %d: %+v, %v", n, h, err)
						return
					}
					if n%20 == 0 {
						v.replica.Snapshot()
						time.Sleep(100 * time.Millisecond)
					}
				}
			})
		}
		writers.Wait()
		// An unclean end: only what is synced may be needed.
		disk.Crash(0)
		<-asynchronously(v.stop)
		if o.snapshots.Load() < 3 {
			t.Errorf("only %d snapshots", o.snapshots.Load())
		}
		compare(t, disk, so, v)
	})
}

func asynchronously(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// compare recovers a stopped server's disk and compares it with its memory.
func compare(t *testing.T, disk vfs.FS, so store.Options, v *server) {
	t.Helper()
	r, err := store.Load(disk, so)
	if err != nil {
		t.Fatal(err)
	}
	if r.LastZxid != v.core.Zxid() || r.Tree.Digest() != v.core.Tree().Digest() || r.Tree.NumNodes() != v.core.Tree().NumNodes() {
		t.Errorf("recovered %v digest %x nodes %d, in memory were %v %x %d", r.LastZxid, r.Tree.Digest(), r.Tree.NumNodes(),
			v.core.Zxid(), v.core.Tree().Digest(), v.core.Tree().NumNodes())
	}
	if len(r.Sessions) != v.core.Sessions().Len() || r.DigestMismatches != 0 {
		t.Errorf("recovered %d sessions, in memory were %d; %d digests differ", len(r.Sessions), v.core.Sessions().Len(), r.DigestMismatches)
	}
}

// TestCrash cuts power at some operation of the disk during a load, lets some
// of the unsynced data survive, recovers, and looks for every acknowledged
// write.
func TestCrash(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			disk := vfs.NewMemory()
			so := storeOptions()
			so.SnapCount = 60
			v := start(t, disk, so, Options{SnapshotAtStart: true})
			const writers = 5
			var acknowledged [writers]int
			var sessions [writers]wire.SessionID
			var clients [writers]*client
			for i := range clients {
				clients[i] = v.session(60_000)
				sessions[i] = clients[i].session
			}
			disk.CrashAfter(int(3 + seed*17))
			var running sync.WaitGroup
			for i, c := range clients {
				running.Go(func() {
					for n := 1; ; n++ {
						h, _, err := c.do(create("/"+strconv.Itoa(i)+"-"+strconv.Itoa(n), make([]byte, 50)))
						if err != nil {
							return
						}
						if h.Err != wire.OK {
							t.Errorf("write: %+v", h)
							return
						}
						acknowledged[i] = n
					}
				})
			}
			<-v.done
			if v.err == nil {
				t.Error("Run returned nil although the disk failed")
			}
			for _, c := range clients {
				c.gone()
			}
			running.Wait()
			v.cancel()
			disk.Crash(seed)

			s, r, err := store.Open(disk, so)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for i, most := range acknowledged {
				for n := 1; n <= most; n++ {
					if r.Tree.Find("/"+strconv.Itoa(i)+"-"+strconv.Itoa(n)) == 0 {
						t.Errorf("seed %d: write %d of client %d of %d acknowledged is lost", seed, n, i, most)
					}
				}
				if r.Sessions[sessions[i]] == 0 {
					t.Errorf("seed %d: session %v is lost", seed, sessions[i])
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSnapshotOutlivesWhoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMemory()
		var o counter
		v := start(t, disk, storeOptions(), Options{Observer: &o})
		c := v.session(10_000)
		if _, _, err := c.do(create("/a", nil)); err != nil {
			t.Fatal(err)
		}
		if !v.replica.Snapshot() {
			t.Error("no snapshot")
		}
		synctest.Wait()
		if o.snapshots.Load() != 1 {
			t.Errorf("%d snapshots", o.snapshots.Load())
		}
		if err := v.stop(); err != nil {
			t.Error(err)
		}
		compare(t, disk, storeOptions(), v)
	})
}

func TestFullDiskRefusesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMemory()
		v := start(t, disk, storeOptions(), Options{DiskReserve: 1000})
		c := v.session(60_000)
		for _, step := range []struct {
			free int64
			want wire.Code
		}{{5000, wire.OK}, {500, wire.NotReadOnly}, {5000, wire.OK}} {
			disk.SetFree(step.free)
			time.Sleep(2 * diskInterval)
			h, _, err := c.do(&wire.Request{Op: wire.OpSetData, Path: "/", Version: -1})
			if err != nil || h.Err != step.want {
				t.Errorf("with %d bytes free: %+v, error %v", step.free, h, err)
			}
		}
		if err := v.stop(); err != nil {
			t.Error(err)
		}
	})
}
