package core

import (
	"net/netip"
	"slices"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// newMemberHost is server 1 of an ensemble whose disk does at once what it is told.
func newMemberHost(t *testing.T, servers string, counterMax int64) *host {
	t.Helper()
	list, err := zab.ParseMembership(servers)
	if err != nil {
		t.Fatal(err)
	}
	c := testConfig()
	c.Prep.Standalone = false
	c.Quorum = &zab.Config{
		Self: 1, Members: list, Tick: c.Tick, InitLimit: 10, SyncLimit: 5, ConnectLimit: 10,
		MinNotification: 200, MaxNotification: 1000, Bootstrap: true, CounterMax: counterMax,
	}
	return newHost(t, c, auth.Config{})
}

// memberStep takes a turn, then reports all that it ordered from the disk.
func (h *host) memberStep() map[ConnID][]received {
	h.t.Helper()
	got := h.step()
	h.in.Durable = h.appended
	for range h.out.Disk {
		h.in.DiskDone = append(h.in.DiskDone, DiskDone{})
	}
	return got
}

// run takes turns and collects what the connections receive.
func (h *host) run(turns int) map[ConnID][]received {
	h.t.Helper()
	all := map[ConnID][]received{}
	for range turns {
		h.mono += 10
		for id, frames := range h.memberStep() {
			all[id] = append(all[id], frames...)
		}
	}
	return all
}

// TestWritesBeyondTheEpoch: a write for which the epoch has no zxid left is none of
// its transactions. It is carried out in the next epoch, or its client learns that
// the connection is lost; the server goes on.
func TestWritesBeyondTheEpoch(t *testing.T) {
	const counterMax, clients, writes = 4, 5, 9
	h := newMemberHost(t, "server.1=127.0.0.1:2888:3888:participant\nversion=0", counterMax)
	h.run(10)
	answered := 0
	for id := range ConnID(clients) {
		h.openConn(id, netip.MustParseAddrPort("10.0.0.1:1000"))
		h.send(id, newSessionFrame(30_000))
		h.run(20)
		path := func(xid int32) string { return "/n" + itoa(int(id)) + "-" + itoa(xid) }
		for xid := range int32(writes) {
			h.send(id, requestFrame(xid, &wire.Request{Op: wire.OpCreate, Path: path(xid), ACL: wire.OpenACL}))
		}
		replies := h.run(60)[id]
		for _, r := range replies {
			if r.header.Err != wire.OK || r.header.Zxid.Counter() > counterMax || h.core.tree.Find(path(r.header.Xid)) == 0 {
				t.Errorf("client %d: reply %v", id, r)
			}
		}
		if len(replies) < writes && !h.ordered[id].ended {
			t.Errorf("client %d has %d replies for %d writes", id, len(replies), writes)
		}
		answered += len(replies)
		h.closeConn(id)
		h.run(1)
	}
	if epoch := h.core.proposed.Epoch(); answered < clients || epoch < clients {
		t.Errorf("%d writes were answered, in %d epochs", answered, epoch)
	}
}

// TestUnreadableProposal: a follower leaves a leader that sends a transaction which
// could never be applied, before it logs it.
func TestUnreadableProposal(t *testing.T) {
	const z = wire.Zxid(1)<<32 + 1
	good := wire.AppendTxn(nil, &wire.Txn{Zxid: z, Type: wire.OpError, Err: wire.NoNode})
	other := wire.AppendTxn(nil, &wire.Txn{Zxid: z + 1, Type: wire.OpError, Err: wire.NoNode})
	for name, c := range map[string]struct {
		payload []byte
		refused bool
	}{
		"good":      {good, false},
		"empty":     {nil, true},
		"garbage":   {[]byte("no transaction"), true},
		"truncated": {good[:len(good)-1], true},
		"other":     {other, true},
	} {
		for _, serving := range []bool{false, true} {
			h := newMemberHost(t, "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\nversion=0", 0)
			h.memberStep()
			event := func(e PeerEvent) {
				h.in.Peers = append(h.in.Peers, e)
				h.memberStep()
				h.memberStep()
			}
			packet := func(typ wire.PacketType, z wire.Zxid, data []byte) {
				event(PeerEvent{Kind: LinkPacket, Link: 7, Packet: wire.Packet{Type: typ, Zxid: z, Data: data}})
			}
			event(PeerEvent{Kind: PeerNotification, Peer: 2, Notification: wire.Notification{
				Leader: 2, Round: 1, Version: wire.NotificationVersion,
			}})
			h.mono += 10
			event(PeerEvent{Kind: LinkUp, Link: 7, Peer: 2})
			packet(wire.PacketLeaderInfo, 1<<32, wire.AppendLeaderInfo(nil, wire.LearnerProtocol))
			packet(wire.PacketDiff, 0, nil)
			if serving {
				packet(wire.PacketNewLeader, 1<<32, nil)
				packet(wire.PacketUpToDate, -1, nil)
				if !h.core.Serving() {
					t.Fatal("the server does not follow")
				}
			}
			h.in.Peers = append(h.in.Peers, PeerEvent{Kind: LinkPacket, Link: 7, Packet: wire.Packet{
				Type: wire.PacketProposal, Zxid: z, Data: c.payload,
			}})
			h.in.Durable = 0
			h.step()
			if refused := slices.Contains(h.out.CloseLinks, 7); refused != c.refused {
				t.Errorf("%s, serving %t: the link is closed: %t; %v", name, serving, refused, h.out.Notes)
			}
			if logged := len(h.out.Append) > 0; logged != (serving && !c.refused) {
				t.Errorf("%s, serving %t: it is logged: %t", name, serving, logged)
			}
		}
	}
}
