package view

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/kafkameta/model"
)

// cutter dials connections that a test can cut.
type cutter struct {
	mu   sync.Mutex
	open []net.Conn
}

func (c *cutter) dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err == nil {
		c.mu.Lock()
		c.open = append(c.open, conn)
		c.mu.Unlock()
	}
	return conn, err
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

// retold is a view's data as the changes that a handler heard make it.
type retold struct {
	mu    sync.Mutex
	nodes map[string]*Znode
}

func retell(v *View) *retold {
	r := &retold{nodes: make(map[string]*Znode)}
	for z := range v.Nodes() {
		r.nodes[z.Path] = z
	}
	return r
}

func (r *retold) hear(changes []Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changes {
		if c.After == nil {
			delete(r.nodes, c.Path())
		} else {
			r.nodes[c.Path()] = c.After
		}
	}
}

// agrees says whether the changes lead to the nodes of a view.
func (r *retold) agrees(v *View) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path, z := range v.nodes {
		if told := r.nodes[path]; told == nil || (Change{told, z}).own() {
			return false
		}
	}
	return len(r.nodes) == len(v.nodes)
}

// TestFollowEqualsFreshLoad changes a cluster while it is followed, and while
// connections are cut and sessions end. Whatever happens, the followed view
// becomes the one that a fresh load gives, and so do the changes told of.
func TestFollowEqualsFreshLoad(t *testing.T) {
	tests := map[string]struct {
		oneShot        bool
		disturb        func(f *Follower, c *cutter)
		disturbEvery   int
		chroot         model.Chroot
		steps, batches int
	}{
		"recursive watch":                    {steps: 60, batches: 5},
		"one-shot watches":                   {oneShot: true, steps: 60, batches: 5, chroot: "/kafka"},
		"recursive watch, connections cut":   {steps: 60, batches: 5, disturb: cutConnections, disturbEvery: 20, chroot: "/kafka"},
		"one-shot watches, connections cut":  {oneShot: true, steps: 60, batches: 5, disturb: cutConnections, disturbEvery: 20},
		"recursive watch, sessions expired":  {steps: 40, batches: 3, disturb: endSession, disturbEvery: 40},
		"one-shot watches, sessions expired": {oneShot: true, steps: 40, batches: 3, disturb: endSession, disturbEvery: 40},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster := testCluster{chroot: test.chroot, brokers: 3, topics: 6, partitions: 3}
			node := startServer(t, cluster.files(t))
			s := serverOf(node, test.chroot)
			s.OneShotWatches = test.oneShot
			var cuts cutter
			s.Client.Dial = cuts.dial
			told := &retold{nodes: map[string]*Znode{}}
			var once sync.Once
			begun := make(chan struct{})
			f, err := Follow(t.Context(), s, func(_ *View, changes []Change) {
				<-begun
				told.hear(changes)
			})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			defer once.Do(func() { close(begun) })
			f.Read(func(v *View) { told.nodes = retell(v).nodes })
			once.Do(func() { close(begun) })

			w := newWorkload(t, connect(t, node, test.chroot), cluster, 7)
			for range test.batches {
				for i := range test.steps {
					w.step()
					if test.disturb != nil && i%test.disturbEvery == test.disturbEvery/2 {
						test.disturb(f, &cuts)
					}
				}
				want, err := LoadServer(t.Context(), serverOf(node, test.chroot))
				if err != nil {
					t.Fatal(err)
				}
				awaitView(t, f, told, want)
			}
		})
	}
}

func cutConnections(_ *Follower, c *cutter) { c.cut() }

// endSession closes the follower's session on another connection, as if it had
// expired.
func endSession(f *Follower, c *cutter) {
	f.mu.RLock()
	session, server := f.current.Session(), f.current.Server()
	f.mu.RUnlock()
	thief, err := client.Dial(context.Background(), client.Config{Servers: []string{server}, Resume: &session})
	if err == nil {
		_ = thief.Close()
	}
	c.cut()
}

func awaitView(t *testing.T, f *Follower, told *retold, want *View) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(60 * time.Second)
	for {
		var different []string
		var agrees bool
		f.Read(func(v *View) { different, agrees = differences(v, want), told.agrees(v) })
		if len(different) == 0 && agrees {
			return
		}
		select {
		case <-ticker.C:
		case <-f.Done():
			t.Fatalf("the follower has ended: %v", f.Err())
		case <-timeout:
			t.Fatalf("the changes lead there: %t; the view stays different: %v", agrees, different[:min(5, len(different))])
		}
	}
}

func TestFollowEndsWithItsChroot(t *testing.T) {
	node := startServer(t, testCluster{brokers: 1}.files(t))
	c := connect(t, node, "")
	if _, err := c.Create(t.Context(), "/other", nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	f, err := Follow(t.Context(), serverOf(node, "/other"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := c.Delete(t.Context(), "/other", client.AnyVersion); err != nil {
		t.Fatal(err)
	}
	if err := f.Err(); !errors.Is(err, ErrNoChroot) {
		t.Errorf("ended with %v", err)
	}
}

func TestNoChroot(t *testing.T) {
	fsys := testCluster{brokers: 1}.files(t)
	if _, err := LoadDirectory(t.Context(), Directory{Path: "/data", Chroot: "/nowhere", FS: fsys}); !errors.Is(err, ErrNoChroot) {
		t.Errorf("directory: %v", err)
	}
	node := startServer(t, fsys)
	if _, err := LoadServer(t.Context(), serverOf(node, "/nowhere")); !errors.Is(err, ErrNoChroot) {
		t.Errorf("server: %v", err)
	}
	if _, err := Follow(t.Context(), serverOf(node, "/nowhere"), nil); !errors.Is(err, ErrNoChroot) {
		t.Errorf("follow: %v", err)
	}
}
