package integration_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

const (
	// bulkShelves times bulkBooks znodes make up most of the tree.
	bulkShelves = 40
	bulkBooks   = 55
	// deepLevels is how deep one path goes.
	deepLevels = 60
	// bigBytes is the data of one znode.
	bigBytes = 300_000
)

// fill makes a tree of every kind of znode, with a history: most of what is
// written is changed again, and some of it fails.
func (h *handover) fill() {
	h.t.Helper()
	h.fillBulk()
	h.fillKinds()
	h.fillAccess()
	h.fillQuota()
	h.transact()
	h.number(5)
	h.addIdleSession()
	h.reap()
}

func (h *handover) fillBulk() {
	h.t.Helper()
	h.create("/bulk", nil)
	var shelves, books, changes []wire.Request
	for s := range bulkShelves {
		shelf := fmt.Sprintf("/bulk/shelf-%02d", s)
		shelves = append(shelves, client.CreateOp(shelf, []byte(shelf), wire.FlagPersistent, nil))
		for b := range bulkBooks {
			book := fmt.Sprintf("%s/book-%03d", shelf, b)
			books = append(books, client.CreateOp(book, []byte(strings.Repeat("x", s*b)), wire.FlagPersistent, nil))
			if b%7 == 0 {
				changes = append(changes, client.SetOp(book, []byte(book), client.AnyVersion))
			}
			if b%13 == 5 {
				changes = append(changes, client.DeleteOp(book, client.AnyVersion))
			}
		}
	}
	h.do(shelves)
	h.do(books)
	h.do(changes)
}

func (h *handover) fillKinds() {
	h.t.Helper()
	ctx := h.t.Context()
	h.create("/kinds", []byte("all of them"))
	h.create("/kinds/null", nil)
	h.create("/kinds/empty", []byte{})
	h.create("/kinds/big", slices.Repeat([]byte{0xde, 0xad, 0}, bigBytes/3))
	h.create("/kinds/set to null", []byte("something"))
	h.set("/kinds/set to null", nil)
	h.create("/kinds/Größe-日本語-ελληνικά", []byte("Привет, 世界 🌍"))
	h.create("/kinds/Größe-日本語-ελληνικά/naïve space", []byte{0, 255})
	h.createFlags("/kinds/ephemeral", wire.FlagEphemeral)
	h.createFlags("/kinds/ephemeral-", wire.FlagEphemeralSequential)
	h.createFlags("/kinds/ephemeral-", wire.FlagEphemeralSequential)
	h.create("/sequence", nil)
	deep := ""
	var levels []wire.Request
	for level := range deepLevels {
		deep += fmt.Sprintf("/level%d", level)
		levels = append(levels, client.CreateOp(deep, []byte(deep), wire.FlagPersistent, nil))
	}
	h.do(levels)
	if _, err := h.client.CreateContainer(ctx, "/kinds/container", []byte("box"), nil); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	h.create("/kinds/container/content", nil)
	for _, flags := range []int32{wire.FlagPersistentTTL, wire.FlagPersistentSequentialTTL} {
		if _, _, err := h.client.CreateTTL(ctx, "/kinds/ttl", nil, flags, 20*time.Hour, nil); err != nil {
			h.t.Fatalf("%s: %v", h.name, err)
		}
	}
}

func (h *handover) fillAccess() {
	h.t.Helper()
	ctx := h.t.Context()
	digest, err := auth.DigestID("reader:secret", "")
	if err != nil {
		h.t.Fatal(err)
	}
	h.create("/access", nil)
	for name, acl := range map[string][]wire.ACL{
		"read only": {{Perms: wire.PermRead, ID: wire.AnyoneID}},
		"digest":    {{Perms: wire.PermAll, ID: wire.ID{Scheme: "digest", ID: digest}}},
		"address":   {{Perms: wire.PermRead | wire.PermWrite, ID: wire.ID{Scheme: "ip", ID: "127.0.0.0/8"}}},
		// Stands for all of the client's own identities.
		"own": {{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth", ID: ""}}},
		"several": {
			{Perms: wire.PermRead, ID: wire.AnyoneID},
			{Perms: wire.PermAdmin, ID: wire.ID{Scheme: "ip", ID: "10.1.2.3"}},
			{Perms: wire.PermCreate | wire.PermDelete, ID: wire.ID{Scheme: "digest", ID: digest}},
		},
	} {
		if _, err := h.client.Create(ctx, "/access/"+name, []byte(name), wire.FlagPersistent, acl); err != nil {
			h.t.Fatalf("%s: create %s: %v", h.name, name, err)
		}
	}
	h.create("/access/changed", nil)
	for _, perms := range []int32{wire.PermAll, wire.PermRead | wire.PermAdmin, wire.PermRead} {
		acl := []wire.ACL{{Perms: perms, ID: wire.ID{Scheme: "digest", ID: digest}}}
		if _, err := h.client.SetACL(ctx, "/access/changed", acl, client.AnyVersion); err != nil {
			h.t.Fatalf("%s: %v", h.name, err)
		}
	}
}

// fillQuota limits a subtree as the shell's setquota does.
func (h *handover) fillQuota() {
	h.t.Helper()
	h.create("/limited", []byte("12345"))
	h.create("/limited/before", []byte("123"))
	h.create(wire.QuotaPath+"/limited", nil)
	h.create(wire.QuotaPath+"/limited/zookeeper_limits", []byte("count=1000,bytes=100000"))
	h.create(wire.QuotaPath+"/limited/zookeeper_stats", []byte("count=2,bytes=8"))
	h.create("/limited/after", []byte("1234567"))
}

// transact does multis, of which some fail, and requests that are refused.
func (h *handover) transact() {
	h.t.Helper()
	ctx := h.t.Context()
	root := fmt.Sprintf("/transactions-%d", h.round)
	create2 := client.CreateOp(root+"/second", []byte("2"), wire.FlagPersistent, nil)
	if newestRecords[h.version] {
		create2.Op = wire.OpCreate2
	}
	h.multi(nil,
		client.CreateOp(root, nil, wire.FlagPersistent, nil),
		client.CreateOp(root+"/first", []byte("1"), wire.FlagPersistent, nil),
		create2,
		client.CreateOp(root+"/numbered-", nil, wire.FlagPersistentSequential, nil),
		client.CreateOp(root+"/ephemeral", nil, wire.FlagEphemeral, nil),
		client.SetOp(root+"/first", []byte("11"), 0),
		client.CheckOp(root+"/first", 1),
		client.CreateOp(root+"/gone", nil, wire.FlagPersistent, nil),
		client.DeleteOp(root+"/gone", 0),
	)
	h.multi(wire.BadVersion,
		client.CreateOp(root+"/never", nil, wire.FlagPersistent, nil), client.CheckOp(root+"/first", 77))
	h.multi(wire.NoNode,
		client.SetOp(root+"/first", nil, client.AnyVersion), client.DeleteOp(root+"/nowhere", client.AnyVersion))
	_, err := h.client.Create(ctx, root, nil, wire.FlagPersistent, nil)
	h.wantCode(err, wire.NodeExists)
	_, err = h.client.Create(ctx, root+"/nowhere/child", nil, wire.FlagPersistent, nil)
	h.wantCode(err, wire.NoNode)
	_, err = h.client.Set(ctx, root, nil, 9)
	h.wantCode(err, wire.BadVersion)
	h.wantCode(h.client.Delete(ctx, root, client.AnyVersion), wire.NotEmpty)
}

// number makes sequential znodes, whose numbers have to go on from where the
// server before stopped.
func (h *handover) number(count int) {
	h.t.Helper()
	for range count {
		name := h.createFlags("/sequence/n-", wire.FlagPersistentSequential)
		if want := fmt.Sprintf("/sequence/n-%010d", h.numbered); name != want {
			h.t.Fatalf("%s numbered %s, want %s", h.name, name, want)
		}
		h.numbered++
	}
}

// addIdleSession opens a session, gives it an ephemeral znode and leaves it.
func (h *handover) addIdleSession() {
	h.t.Helper()
	c := h.dial(nil)
	ephemeral := fmt.Sprintf("/idle-session-%d", h.round)
	if _, err := c.Create(h.t.Context(), ephemeral, []byte("waiting"), wire.FlagEphemeral, nil); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	h.idle = append(h.idle, idleSession{Session: c.Detach(), ephemeral: ephemeral})
}

// reap waits until the server itself has removed an empty container and an
// outdated znode, and a session's end has removed its ephemerals.
func (h *handover) reap() {
	h.t.Helper()
	ctx := h.t.Context()
	container, outdated := fmt.Sprintf("/container-%d", h.round), fmt.Sprintf("/outdated-%d", h.round)
	if _, err := h.client.CreateContainer(ctx, container, nil, nil); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	h.create(container+"/child", nil)
	if err := h.client.Delete(ctx, container+"/child", client.AnyVersion); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	if _, _, err := h.client.CreateTTL(ctx, outdated, nil, wire.FlagPersistentTTL, time.Millisecond, nil); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	short := h.dial(nil)
	for i := range 3 {
		name := fmt.Sprintf("/short-session-%d-%d", h.round, i)
		if _, err := short.Create(ctx, name, nil, wire.FlagEphemeral, nil); err != nil {
			h.t.Fatalf("%s: %v", h.name, err)
		}
	}
	if err := short.Close(); err != nil {
		h.t.Fatal(err)
	}
	for _, p := range []string{container, outdated, fmt.Sprintf("/short-session-%d-0", h.round)} {
		eventually(h.t, p+" is gone", func() error {
			_, found, err := h.client.Exists(ctx, p, false)
			if err == nil && found {
				err = errors.New("still there")
			}
			return err
		})
	}
}

// change writes on in a tree that another server has made: it touches every
// kind of znode, and enough of them that the next snapshot is due.
func (h *handover) change() {
	h.t.Helper()
	h.round++
	ctx := h.t.Context()
	var requests []wire.Request
	for s := range bulkShelves {
		shelf := fmt.Sprintf("/bulk/shelf-%02d", s)
		value := fmt.Appendf(nil, "round %d of %s", h.round, shelf)
		requests = append(requests,
			client.SetOp(shelf, value, client.AnyVersion),
			client.SetOp(shelf+"/book-000", value, client.AnyVersion),
			client.DeleteOp(fmt.Sprintf("%s/book-%03d", shelf, h.round), client.AnyVersion),
			client.CreateOp(fmt.Sprintf("%s/round-%d", shelf, h.round), value, wire.FlagPersistent, nil),
			client.CreateOp(fmt.Sprintf("%s/book-%03d", shelf, h.round), value, wire.FlagPersistent, nil),
			client.SetOp(fmt.Sprintf("%s/book-%03d", shelf, h.round), nil, 0))
	}
	for _, p := range []string{
		"/", "/kinds/null", "/kinds/empty", "/kinds/ephemeral", "/kinds/container", "/kinds/ttl", "/access/several", "/access/address",
		"/kinds/Größe-日本語-ελληνικά", "/limited/before",
	} {
		requests = append(requests, client.SetOp(p, fmt.Appendf(nil, "round %d", h.round), client.AnyVersion))
	}
	requests = append(requests,
		client.SetOp("/kinds/empty", []byte{}, client.AnyVersion),
		client.SetOp("/kinds/null", nil, client.AnyVersion),
		client.CreateOp(fmt.Sprintf("/limited/round-%d", h.round), []byte("data"), wire.FlagPersistent, nil),
		client.CreateOp(fmt.Sprintf("/kinds/container/round-%d", h.round), nil, wire.FlagPersistent, nil))
	h.do(requests)
	h.createFlags("/kinds/ephemeral-", wire.FlagEphemeralSequential)
	acl := []wire.ACL{{Perms: wire.PermRead, ID: wire.ID{Scheme: "ip", ID: fmt.Sprintf("10.0.0.%d", h.round)}}}
	if _, err := h.client.SetACL(ctx, "/access/changed", acl, client.AnyVersion); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	h.transact()
	h.number(3)
	h.addIdleSession()
	h.reap()
}

func (h *handover) create(p string, data []byte) {
	h.t.Helper()
	if _, err := h.client.Create(h.t.Context(), p, data, wire.FlagPersistent, nil); err != nil {
		h.t.Fatalf("%s: create %s: %v", h.name, p, err)
	}
}

func (h *handover) createFlags(p string, flags int32) string {
	h.t.Helper()
	name, err := h.client.Create(h.t.Context(), p, []byte(path.Base(p)), flags, nil)
	if err != nil {
		h.t.Fatalf("%s: create %s: %v", h.name, p, err)
	}
	return name
}

func (h *handover) set(p string, data []byte) {
	h.t.Helper()
	if _, err := h.client.Set(h.t.Context(), p, data, client.AnyVersion); err != nil {
		h.t.Fatalf("%s: set %s: %v", h.name, p, err)
	}
}

// multi does a multi that has to end with the given code; nil is success.
func (h *handover) multi(want error, operations ...wire.Request) {
	h.t.Helper()
	_, err := h.client.Multi(h.t.Context(), operations...)
	if (want == nil && err != nil) || (want != nil && !errors.Is(err, want)) {
		h.t.Fatalf("%s: multi: %v, want %v", h.name, err, want)
	}
}

func (h *handover) wantCode(err error, want wire.Code) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Fatalf("%s: %v, want %v", h.name, err, want)
	}
}
