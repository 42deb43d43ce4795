package wire

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const packetLimit = 1 << 20

// epochZxid is the zxid that begins an epoch.
func epochZxid(epoch int64) Zxid { return Zxid(epoch << 32) }

// TestGoldenPackets compares with what servers of ZooKeeper 3.9.3 sent.
func TestGoldenPackets(t *testing.T) {
	learner := LearnerInfo{Server: 3, ProtocolVersion: LearnerProtocol}
	request := ForwardedRequest{Session: 0x0100001a68510000, Op: OpCreateSession, Body: unhex(t, "00002710")}
	cases := []struct {
		name, hex string
		packet    Packet
	}{
		{
			"FOLLOWERINFO", "0000000b 0000000100000000 00000014 0000000000000003 00010000 0000000000000000 ffffffff",
			Packet{Type: PacketFollowerInfo, Zxid: epochZxid(1), Data: AppendLearnerInfo(nil, &learner)},
		},
		{
			"LEADERINFO", "00000011 0000000200000000 00000004 00010000 ffffffff",
			Packet{Type: PacketLeaderInfo, Zxid: epochZxid(2), Data: AppendLeaderInfo(nil, LearnerProtocol)},
		},
		{
			"ACKEPOCH", "00000012 0000000100000003 00000004 00000001 ffffffff",
			Packet{Type: PacketAckEpoch, Zxid: 1<<32 | 3, Data: AppendAckEpoch(nil, 1)},
		},
		{
			"ACKEPOCH of an accepted epoch", "00000012 0000000100000003 00000004 ffffffff ffffffff",
			Packet{Type: PacketAckEpoch, Zxid: 1<<32 | 3, Data: AppendAckEpoch(nil, EpochAccepted)},
		},
		{"ACK of NEWLEADER", "00000003 0000000200000000 ffffffff ffffffff", Packet{Type: PacketAck, Zxid: epochZxid(2)}},
		{"UPTODATE", "0000000c ffffffffffffffff ffffffff ffffffff", Packet{Type: PacketUpToDate, Zxid: -1}},
		{"PING", "00000005 0000000100000002 ffffffff ffffffff", Packet{Type: PacketPing, Zxid: 1<<32 | 2}},
		{
			"idle answer to PING", "00000005 0000000100000002 00000000 ffffffff",
			Packet{Type: PacketPing, Zxid: 1<<32 | 2, Data: AppendTouches(nil, nil)},
		},
		{"SYNC", "00000007 0000000000000000 ffffffff ffffffff", Packet{Type: PacketSync}},
		{
			"REQUEST", "00000001 ffffffffffffffff 00000014 0100001a68510000 00000000 fffffff6 00002710 ffffffff",
			Packet{Type: PacketRequest, Zxid: -1, Data: AppendForwardedRequest(nil, &request)},
		},
		{
			"REQUEST of a client with an address", "00000001 ffffffffffffffff 00000000 00000001 00000002 6970 00000009 3132372e302e302e31",
			Packet{Type: PacketRequest, Zxid: -1, Data: []byte{}, IDs: []ID{{Scheme: "ip", ID: "127.0.0.1"}}},
		},
		{"no identities", "00000001 ffffffffffffffff ffffffff 00000000", Packet{Type: PacketRequest, Zxid: -1, IDs: []ID{}}},
	}
	for _, c := range cases {
		want := unhex(t, c.hex)
		wantBytes(t, c.name, AppendPacket(nil, &c.packet), want)
		checkPacketSizes(t, c.name, want)
		var got Packet
		size, err := DecodePacket(append(want, 0xff), &got)
		if err != nil || size != len(want) || !reflect.DeepEqual(got, c.packet) {
			t.Errorf("%s decodes to %+v, %d of %d bytes, %v", c.name, got, size, len(want), err)
		}
	}
	if got, err := DecodeForwardedRequest(cases[9].packet.Data); err != nil || !reflect.DeepEqual(got, request) {
		t.Errorf("request decodes to %+v, %v", got, err)
	}
}

// checkPacketSizes asks for the size of every prefix of a packet: it must say
// that more is needed, but never more than there is.
func checkPacketSizes(t *testing.T, name string, packet []byte) {
	t.Helper()
	for n := range len(packet) {
		size, err := PacketSize(packet[:n], packetLimit)
		if err != nil || size <= n || size > len(packet) {
			t.Errorf("%s: size of %d of %d bytes is %d, %v", name, n, len(packet), size, err)
		}
		if _, err := DecodePacket(packet[:n], new(Packet)); err != ErrMalformed {
			t.Errorf("%s: %d of %d bytes decode: %v", name, n, len(packet), err)
		}
	}
	if size, err := PacketSize(append(bytes.Clone(packet), 0), packetLimit); err != nil || size != len(packet) {
		t.Errorf("%s: size %d, %v, want %d", name, size, err, len(packet))
	}
}

func TestPacketLimits(t *testing.T) {
	const limit = 64
	id := ID{Scheme: "digest", ID: strings.Repeat("x", 10)} // 24 bytes
	cases := []struct {
		name   string
		packet Packet
		err    error
	}{
		{"data at the limit", Packet{Data: make([]byte, limit)}, nil},
		{"data over it", Packet{Data: make([]byte, limit+1)}, ErrTooLong},
		{"identities at the limit", Packet{IDs: []ID{id, {ID: strings.Repeat("y", 32)}}}, nil},
		{"identities over it", Packet{IDs: []ID{id, id, id}}, ErrTooLong},
		{"an identity over it", Packet{IDs: []ID{{ID: strings.Repeat("y", limit+1)}}}, ErrTooLong},
		{"too many to be within it", Packet{IDs: make([]ID, limit/8+1)}, ErrTooLong},
	}
	for _, c := range cases {
		b := AppendPacket(nil, &c.packet)
		size, err := PacketSize(b, limit)
		if !errors.Is(err, c.err) || err == nil && size != len(b) {
			t.Errorf("%s: size %d, %v, want %v", c.name, size, err, c.err)
		}
	}
	for _, header := range []string{
		"00000001 0000000000000000 fffffffe",
		"00000001 0000000000000000 80000000",
		"00000001 0000000000000000 ffffffff 00000001 fffffffe",
	} {
		if _, err := PacketSize(unhex(t, header), limit); err != ErrMalformed {
			t.Errorf("%s: %v", header, err)
		}
	}
	longest := unhex(t, "00000001 0000000000000000 7fffffff")
	if _, err := PacketSize(longest, limit); err != ErrTooLong {
		t.Errorf("2 GiB of data: %v", err)
	}
}

func TestLearnerInfoForms(t *testing.T) {
	whole := AppendLearnerInfo(nil, &LearnerInfo{Server: 3, ProtocolVersion: LearnerProtocol, ConfigVersion: 0x100000004})
	cases := []struct {
		data []byte
		want LearnerInfo
		err  error
	}{
		{nil, LearnerInfo{Server: AnonymousLearner, ProtocolVersion: 1}, nil},
		{whole[:8], LearnerInfo{Server: 3, ProtocolVersion: 1}, nil},
		{whole[:11], LearnerInfo{Server: 3, ProtocolVersion: 1}, nil},
		{whole[:12], LearnerInfo{Server: 3, ProtocolVersion: LearnerProtocol}, nil},
		{whole[:19], LearnerInfo{Server: 3, ProtocolVersion: LearnerProtocol}, nil},
		{whole, LearnerInfo{Server: 3, ProtocolVersion: LearnerProtocol, ConfigVersion: 0x100000004}, nil},
		{append(bytes.Clone(whole), 9), LearnerInfo{Server: 3, ProtocolVersion: LearnerProtocol, ConfigVersion: 0x100000004}, nil},
		{[]byte{}, LearnerInfo{}, ErrMalformed},
		{whole[:7], LearnerInfo{}, ErrMalformed},
	}
	for _, c := range cases {
		got, err := DecodeLearnerInfo(c.data)
		if err != c.err || err == nil && got != c.want {
			t.Errorf("%d bytes decode to %+v, %v, want %+v, %v", len(c.data), got, err, c.want, c.err)
		}
	}
}

func TestPacketDataRoundTrip(t *testing.T) {
	touches := []Touch{{Session: 0x0100001a68510000, Timeout: 10000}, {Session: -1, Timeout: -1}}
	encoded := AppendTouches(nil, touches)
	wantBytes(t, "touch table", encoded, unhex(t, "0100001a68510000 00002710 ffffffffffffffff ffffffff"))
	if got, err := DecodeTouches(nil, encoded); err != nil || !reflect.DeepEqual(got, touches) {
		t.Errorf("touch table decodes to %v, %v", got, err)
	}
	if got, err := DecodeTouches(touches, nil); err != nil || len(got) != 0 {
		t.Errorf("an empty table decodes to %v, %v", got, err)
	}
	for n := range touchSize - 1 {
		if _, err := DecodeTouches(nil, encoded[:touchSize+1+n]); err != ErrMalformed {
			t.Errorf("%d bytes of a touch table: %v", touchSize+1+n, err)
		}
	}

	asked := Revalidation{Session: 0x0100001a68510000, Timeout: 10000}
	wantBytes(t, "REVALIDATE", AppendRevalidation(nil, asked), unhex(t, "0100001a68510000 00002710"))
	if got, err := DecodeRevalidation(AppendRevalidation(nil, asked)); err != nil || got != asked {
		t.Errorf("REVALIDATE decodes to %+v, %v", got, err)
	}
	for _, valid := range []bool{false, true} {
		reply := RevalidationReply{Session: asked.Session, Valid: valid}
		b := AppendRevalidationReply(nil, reply)
		if got, err := DecodeRevalidationReply(b); err != nil || got != reply || len(b) != 9 {
			t.Errorf("the answer to REVALIDATE decodes from %x to %+v, %v", b, got, err)
		}
	}
	if got, err := DecodeLeaderInfo(AppendLeaderInfo(nil, LearnerProtocol)); err != nil || got != LearnerProtocol {
		t.Errorf("LEADERINFO decodes to %x, %v", got, err)
	}
	if got, err := DecodeAckEpoch(AppendAckEpoch(nil, EpochAccepted)); err != nil || got != EpochAccepted {
		t.Errorf("ACKEPOCH decodes to %d, %v", got, err)
	}
}

func TestShortPacketData(t *testing.T) {
	for name, c := range map[string]struct {
		size   int
		decode func([]byte) error
	}{
		"REQUEST":    {16, func(b []byte) error { _, err := DecodeForwardedRequest(b); return err }},
		"REVALIDATE": {12, func(b []byte) error { _, err := DecodeRevalidation(b); return err }},
		"its answer": {9, func(b []byte) error { _, err := DecodeRevalidationReply(b); return err }},
		"LEADERINFO": {4, func(b []byte) error { _, err := DecodeLeaderInfo(b); return err }},
		"ACKEPOCH":   {4, func(b []byte) error { _, err := DecodeAckEpoch(b); return err }},
	} {
		for n := range c.size + 1 {
			if err := c.decode(make([]byte, n)); (err == nil) != (n == c.size) {
				t.Errorf("%s with %d bytes: %v", name, n, err)
			}
		}
	}
}

func FuzzDecodePacket(f *testing.F) {
	for seed := range uint64(8) {
		s := newSource(seed)
		p := Packet{Type: PacketType(s.int()), Zxid: Zxid(s.long()), Data: s.buffer()}
		for range s.IntN(3) {
			p.IDs = append(p.IDs, ID{Scheme: s.text(), ID: s.text()})
		}
		f.Add(AppendPacket(nil, &p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 256
		size, err := PacketSize(b, limit)
		if err != nil {
			return
		}
		if size <= 0 || size > 3*limit+packetHeaderSize {
			t.Fatalf("size %d", size)
		}
		var first, second Packet
		if size > len(b) {
			return
		}
		var decoded int
		boundAllocation(t, len(b), func() { decoded, err = DecodePacket(b, &first) })
		if err != nil || decoded != size {
			t.Fatalf("PacketSize says %d, DecodePacket %d, %v", size, decoded, err)
		}
		again := AppendPacket(nil, &first)
		if _, err := DecodePacket(again, &second); err != nil || !hasSurrogates(again) && !reflect.DeepEqual(second, first) {
			t.Errorf("first %+v, again %+v, %v", first, second, err)
		}
	})
}

func FuzzDecodePacketData(f *testing.F) {
	f.Add(AppendLearnerInfo(nil, &LearnerInfo{Server: 1, ProtocolVersion: LearnerProtocol}))
	f.Add(AppendTouches(nil, []Touch{{Session: 1, Timeout: 2}}))
	f.Add(AppendForwardedRequest(nil, &ForwardedRequest{Session: 1, Op: OpCreate, Body: []byte("x")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := DecodeLearnerInfo(b); err == nil {
			if again, err := DecodeLearnerInfo(AppendLearnerInfo(nil, &l)); err != nil || again != l {
				t.Errorf("first %+v, again %+v, %v", l, again, err)
			}
		}
		if r, err := DecodeForwardedRequest(b); err == nil {
			wantBytes(t, fmt.Sprintf("%+v", r), AppendForwardedRequest(nil, &r), b)
		}
		var touches []Touch
		var err error
		boundAllocation(t, len(b), func() { touches, err = DecodeTouches(nil, b) })
		if err == nil {
			wantBytes(t, "touch table", AppendTouches(nil, touches), b)
		}
	})
}
