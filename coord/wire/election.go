package wire

import (
	"encoding/binary"
	"strings"
)

// NotificationMax is the longest notification in bytes that a server accepts, and
// thus the largest frame on the election port (ZooKeeper: QuorumCnxManager.java).
const NotificationMax = 512 << 10

const (
	notificationSizeOldest = 28 // without the epoch: ZooKeeper 3.3
	notificationSizeOld    = 40 // without configuration: ZooKeeper 3.4.6 to 3.4.14
	// notificationConfigFrom is the first version with a configuration.
	notificationConfigFrom = 2
)

// AppendNotification appends a notification in version NotificationVersion,
// whatever n.Version says; the frame's length is up to the caller (ZooKeeper:
// FastLeaderElection.buildMsg):
//
//	 0  i32 state        20  i64 round      40  i32 length of the configuration
//	 4  i64 leader       28  i64 epoch      44  configuration
//	12  i64 zxid         36  i32 version
func AppendNotification(dst []byte, n *Notification) []byte {
	dst = AppendInt(dst, int32(n.State))
	dst = AppendLong(dst, int64(n.Leader))
	dst = AppendLong(dst, int64(n.Zxid))
	dst = AppendLong(dst, n.Round)
	dst = AppendLong(dst, n.PeerEpoch)
	dst = AppendInt(dst, NotificationVersion)
	dst = AppendInt(dst, int32(len(n.Config)))
	return append(dst, n.Config...)
}

// DecodeNotification reads a notification of any version, as ZooKeeper 3.5 and
// later do: 28 bytes have no epoch of their own, 40 count as version 0 whatever
// they say, and only longer ones have a version that counts. Nothing aliases b.
func DecodeNotification(b []byte) (Notification, error) {
	d := NewDecoder(b)
	d.Clone = true
	n := Notification{State: PeerState(d.Int()), Leader: PeerID(d.Long()), Zxid: Zxid(d.Long()), Round: d.Long()}
	switch len(b) {
	case notificationSizeOldest:
		n.PeerEpoch = n.Zxid.Epoch()
	case notificationSizeOld:
		n.PeerEpoch = d.Long()
	default:
		n.PeerEpoch, n.Version = d.Long(), d.Int()
	}
	if n.Version >= notificationConfigFrom {
		n.Config = d.String()
	}
	if n.State < PeerLooking || n.State > PeerObserving {
		d.Fail()
	}
	if err := d.Err(); err != nil {
		return Notification{}, err
	}
	return n, nil
}

// Protocol versions of the election handshake. Only ensembles of 3.6 and later
// with several addresses a server know the second (ZOOKEEPER-3720).
const (
	HandshakeOneAddress       int64 = -65536
	HandshakeSeveralAddresses int64 = -65535
	// HandshakeLegacy stands for the form of 3.4, which is the id alone.
	HandshakeLegacy int64 = 0
)

// AnonymousPeer is the id in the handshake of an observer without an id of its
// own (ZooKeeper 3.4).
const AnonymousPeer PeerID = 1<<63 - 1

const (
	handshakeIDSize     = 8  // of the legacy form
	handshakeHeaderSize = 20 // version, id, length of the addresses
	handshakeAddressMax = 2048
	// addressSeparator stands between the addresses of one server.
	addressSeparator = "|"
)

// ElectionHandshake is what the side that opened a connection to the election
// port says first; nothing answers it (ZooKeeper: QuorumCnxManager.java).
type ElectionHandshake struct {
	Version   int64 // a Handshake… constant
	Server    PeerID
	Addresses []string // host:port of its election port; none in the legacy form
}

// AppendElectionHandshake appends a handshake. Readers in Java fetch it with one
// call, so it must be sent with one write.
//
//	i64 version, i64 server, i32 length, addresses   or   i64 server
func AppendElectionHandshake(dst []byte, h *ElectionHandshake) []byte {
	if h.Version == HandshakeLegacy {
		return AppendLong(dst, int64(h.Server))
	}
	dst = AppendLong(dst, h.Version)
	dst = AppendLong(dst, int64(h.Server))
	addresses := strings.Join(h.Addresses, addressSeparator)
	dst = AppendInt(dst, int32(len(addresses)))
	return append(dst, addresses...)
}

// DecodeElectionHandshake reads the handshake that b begins with and returns its
// length. When b does not hold all of it, the length is larger than len(b): a
// number of bytes that are certainly needed. Nothing aliases b.
func DecodeElectionHandshake(b []byte) (h ElectionHandshake, size int, err error) {
	if len(b) < handshakeIDSize {
		return h, handshakeIDSize, nil
	}
	d := NewDecoder(b)
	first := d.Long()
	switch {
	case first >= 0:
		return ElectionHandshake{Version: HandshakeLegacy, Server: PeerID(first)}, handshakeIDSize, nil
	case first != HandshakeOneAddress && first != HandshakeSeveralAddresses:
		return h, 0, ErrMalformed
	case len(b) < handshakeHeaderSize:
		return h, handshakeHeaderSize, nil
	}
	length := int(int32(binary.BigEndian.Uint32(b[handshakeHeaderSize-4:])))
	if length < 1 || length > handshakeAddressMax {
		return h, 0, ErrMalformed
	}
	if size = handshakeHeaderSize + length; size > len(b) {
		return h, size, nil
	}
	h = ElectionHandshake{Version: first, Server: PeerID(d.Long())}
	h.Addresses = strings.Split(TextOf(b[handshakeHeaderSize:size]), addressSeparator)
	return h, size, nil
}
