package view

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"testing"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// elderConn makes a server look as if it were older than 3.6: addWatch reaches
// it as an operation that it does not know.
type elderConn struct{ net.Conn }

const unknownOp = 999

// Write takes whole frames, as the client writes them after its handshake:
// length, xid, operation, body.
func (c elderConn) Write(b []byte) (int, error) {
	changed := append([]byte(nil), b...)
	for at := 0; at+12 <= len(changed); at += 4 + int(binary.BigEndian.Uint32(changed[at:])) {
		if wire.Op(binary.BigEndian.Uint32(changed[at+8:])) == wire.OpAddWatch {
			binary.BigEndian.PutUint32(changed[at+8:], unknownOp)
		}
	}
	return c.Conn.Write(changed)
}

// TestServerWithoutRecursiveWatches: the cluster is followed by one-shot
// watches, without being told to.
func TestServerWithoutRecursiveWatches(t *testing.T) {
	cluster := testCluster{brokers: 3, topics: 3, partitions: 2}
	node := startServer(t, cluster.files(t))
	s := serverOf(node, "")
	s.Client.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return elderConn{conn}, nil
	}
	told := &retold{}
	f, err := Follow(t.Context(), s, func(_ *View, changes []Change) { told.hear(changes) })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.reader.recursive {
		t.Fatal("the server took a recursive watch")
	}
	f.Read(func(v *View) { told.nodes = retell(v).nodes })
	w := newWorkload(t, connect(t, node, ""), cluster, 5)
	for range 50 {
		w.step()
	}
	want, err := LoadServer(t.Context(), serverOf(node, ""))
	if err != nil {
		t.Fatal(err)
	}
	awaitView(t, f, told, want)
}

// TestWhatMayNotBeRead is in the view without data, with a warning.
func TestWhatMayNotBeRead(t *testing.T) {
	node := startServer(t, testCluster{brokers: 1, topics: 1, partitions: 1}.files(t))
	owner, err := client.Dial(t.Context(), client.Config{
		Servers: []string{node.ClientAddr()}, Auth: []client.Auth{{Scheme: "digest", Data: []byte("kafka:secret")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close() }()
	own := []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth"}}}
	for _, path := range []string{"/config/users/alice", "/config/users"} {
		if _, err := owner.SetACL(t.Context(), path, own, client.AnyVersion); err != nil {
			t.Fatal(err)
		}
	}
	for _, oneShot := range []bool{false, true} {
		s := serverOf(node, "")
		s.OneShotWatches = oneShot
		v, err := LoadServer(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		z := v.At("/config/users")
		if z == nil || !errors.Is(z.Err, wire.NoAuth) || z.Data != nil || z.Value != nil {
			t.Errorf("one-shot %t: %+v", oneShot, z)
		}
		if v.At("/config/users/alice") != nil {
			t.Errorf("one-shot %t: listed what may not be listed", oneShot)
		}
		if len(v.Warnings) < 2 || v.Warnings[0].Path != "/config/users" {
			t.Errorf("one-shot %t: warnings %v", oneShot, v.Warnings)
		}
		if len(v.Topics()) != 1 {
			t.Errorf("one-shot %t: the rest is missing", oneShot)
		}
	}
}

func TestWarningsAreBounded(t *testing.T) {
	var v View
	for range 3 * warningsMax {
		v.warn("/a", "b")
	}
	if len(v.Warnings) != warningsMax || v.Warnings[warningsMax-1].Path != "" {
		t.Errorf("%d warnings, the last is %+v", len(v.Warnings), v.Warnings[len(v.Warnings)-1])
	}
}
